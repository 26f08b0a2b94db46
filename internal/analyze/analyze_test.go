package analyze_test

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	"sigs.k8s.io/yaml"

	"outrigger.dev/outrigger/charts"
	"outrigger.dev/outrigger/inject"
	"outrigger.dev/outrigger/internal/analyze"
	"outrigger.dev/outrigger/internal/dryrun"
)

var update = flag.Bool("update", false, "write what is found into the fixtures")

// TestAnalyzers: a fixture for each analyzer, named after its code, has manifests with
// exactly that finding (bad.yaml), and the same without it (good.yaml). Where its comment
// begins with "live", they are all that a cluster has. A section config is the
// installation's for bad.yaml.
func TestAnalyzers(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	proved := map[string]bool{}
	for _, file := range files {
		code := strings.TrimSuffix(filepath.Base(file), ".txtar")
		t.Run(code, func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			bad := analysis(t, archive, "bad.yaml")
			for _, f := range bad {
				if !strings.HasPrefix(code, f.Code) {
					t.Errorf("bad.yaml: %s %s, want %s only", f.Code, f.Object, code)
				}
				proved[f.Code] = true
			}
			if len(bad) == 0 {
				t.Error("bad.yaml: nothing is found")
			}
			holdToGolden(t, file, archive, print(bad))
			if good := analysis(t, archive, "good.yaml"); len(good) > 0 {
				t.Errorf("good.yaml: want no finding\n%s", print(good))
			}
		})
	}
	for _, a := range analyze.Analyzers() {
		if !proved[a.Code] {
			t.Errorf("%s %s: no fixture has it", a.Code, a.Name)
		}
	}
}

// holdToGolden compares with the fixture's section want, or writes it.
func holdToGolden(t *testing.T, file string, archive *txtar.Archive, got string) {
	t.Helper()
	at := slices.IndexFunc(archive.Files, func(f txtar.File) bool { return f.Name == "want" })
	if *update {
		archive.Files[at].Data = []byte(got)
		if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(archive.Files[at].Data), got); diff != "" {
		t.Errorf("bad.yaml (-want +got)\n%s", diff)
	}
}

// times are those in messages, which are others each time.
var times = regexp.MustCompile(`\d{4}-\d\d-\d\dT[\d:]+Z`)

func print(findings []analyze.Finding) string {
	var out strings.Builder
	for _, f := range findings {
		message := times.ReplaceAllString(f.Message, "TIME")
		fmt.Fprintf(&out, "%s %s %s: %s: %s\n\tfix: %s\n", f.Severity, f.Code, f.Name, f.Object, message, f.Fix)
	}
	return out.String()
}

// analysis looks at a section of a fixture.
func analysis(t *testing.T, archive *txtar.Archive, section string) []analyze.Finding {
	t.Helper()
	texts := map[string][]byte{}
	for _, f := range archive.Files {
		texts[f.Name] = f.Data
	}
	if _, ok := texts[section]; !ok {
		t.Fatalf("no %s", section)
	}
	config := texts["config"]
	if section == "good.yaml" {
		config = nil
	}
	scene := sceneOf(t, bytes.HasPrefix(archive.Comment, []byte("live")), section, texts[section], config)
	if text, ok := texts[strings.Replace(section, ".yaml", ".served", 1)]; ok {
		serve(t, scene, text)
	}
	findings, err := scene.Analyze(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return findings
}

// sceneOf is a cluster, or a file, with these objects. Without webhook configurations in
// it, it has the chart's.
func sceneOf(t *testing.T, live bool, name string, text, config []byte) *analyze.Scene {
	t.Helper()
	objects, err := analyze.ReadFile(name, text, "default")
	if err != nil {
		t.Fatal(err)
	}
	scene := &analyze.Scene{Objects: objects, Live: live, Injectors: []*inject.Injector{injector(t, config)}}
	scene.Native = inject.Native{Supported: true}.Everywhere
	scene.Webhooks = dryrun.Configurations{From: "chart", Revision: "default"}
	answered := false
	for i, o := range objects {
		if live {
			objects[i].File, objects[i].Line = "", 0
			scene.Webhooks.From = "live"
		}
		answered = answered || o.Kind == "EndpointSlice"
		if o.Kind == "MutatingWebhookConfiguration" {
			var c admissionv1.MutatingWebhookConfiguration
			if err := yaml.UnmarshalStrict(o.JSON, &c); err != nil {
				t.Fatal(err)
			}
			scene.Webhooks.List = append(scene.Webhooks.List, c)
		}
	}
	if scene.Webhooks.List == nil {
		c, err := dryrun.ChartWebhooks("default")
		if err != nil {
			t.Fatal(err)
		}
		scene.Webhooks.List = []admissionv1.MutatingWebhookConfiguration{c}
		if live {
			scene.Webhooks.List[0] = working(c)
			scene.Objects = append(scene.Objects, object(t, ownService))
		}
	}
	if live && !answered {
		scene.Objects = append(scene.Objects, object(t, ownSlice))
	}
	return scene
}

// injector is one with this configuration in the place of the default profile's.
func injector(t *testing.T, config []byte) *inject.Injector {
	t.Helper()
	if config == nil {
		return standard()
	}
	var sources inject.Sources
	_, sources.Values, sources.Mesh = charts.Default()
	sources.Config = config
	in, err := inject.New(sources, inject.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	return in
}

// standard is the default profile's injector.
var standard = sync.OnceValue(func() *inject.Injector {
	var sources inject.Sources
	sources.Config, sources.Values, sources.Mesh = charts.Default()
	in, err := inject.New(sources, inject.Settings{})
	if err != nil {
		panic(err)
	}
	return in
})

// TestClean: manifests with which nothing is wrong have no finding.
func TestClean(t *testing.T) {
	for _, file := range []string{"../../docs/examples/shop.yaml", "../../charts/default/webhooks.yaml"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		clean(t, file, text)
	}
}

// clean wants no finding in a file.
func clean(t *testing.T, file string, text []byte) {
	t.Helper()
	findings, err := sceneOf(t, false, file, text, nil).Analyze(t.Context())
	if err != nil {
		t.Errorf("%s: %v", file, err)
	}
	if len(findings) > 0 {
		t.Errorf("%s: want no finding\n%s", file, print(findings))
	}
}

// TestCodes: codes and names are for good, so they are all different.
func TestCodes(t *testing.T) {
	codes, names := map[string]bool{}, map[string]bool{}
	for _, a := range analyze.Analyzers() {
		codes[a.Code], names[a.Name] = true, true
	}
	if n := len(analyze.Analyzers()); len(codes) != n || len(names) != n {
		t.Errorf("%d analyzers, %d codes (%v), %d names", n, len(codes), slices.Sorted(maps.Keys(codes)), len(names))
	}
}
