package inject_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
	corev1 "k8s.io/api/core/v1"
	"outrigger.dev/outrigger/inject"
	"sigs.k8s.io/yaml"
)

var update = flag.Bool("update", false, "write what came out as what is wanted")

// TestCases runs testdata/*.txtar, one behaviour a file; its first lines say
// which. A file has:
//
//	config.yaml     the configuration; policy enabled where there is none
//	values.yaml     over the least that the built-in templates need
//	mesh.yaml       over Istio's defaults
//	env             a variable a line, NAME=value
//	namespace.yaml  the namespace; shop, without labels, where there is none
//	pod.yaml        the pod that is sent
//	want.decision   verdict and reason, the sentence, a warning a line
//	want.patch      the operations, one a line
//
// Every case also shows that the patch applies, and that the pod which comes
// out, sent again, is left alone.
func TestCases(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("testdata: %d cases, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) { runCase(t, file) })
	}
}

func runCase(t *testing.T, file string) {
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	c := readCase(t, archive)
	result, err := c.injector.Inject(c.request)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{"want.decision": printDecision(result), "want.patch": printPatch(t, result.Patch)}
	again(t, c, result)
	for name, text := range got {
		if *update {
			setFile(archive, name, text)
			continue
		}
		if diff := cmp.Diff(c.files[name], text); diff != "" {
			t.Errorf("%s -want +got\n%s", name, diff)
		}
	}
	if *update {
		if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// again sends the pod that came out once more.
func again(t *testing.T, c testCase, result inject.Result) {
	t.Helper()
	applied, err := inject.Apply(c.request.Pod, result.Patch)
	if err != nil {
		t.Fatalf("the patch does not apply: %v", err)
	}
	if diff := cmp.Diff(readTree(result.Pod()), readTree(applied)); diff != "" {
		t.Errorf("the patch gives another pod than the result -result +patched\n%s", diff)
	}
	c.request.Pod = applied
	second, err := c.injector.Inject(c.request)
	if err != nil {
		t.Fatal(err)
	}
	if len(second.Patch) > 0 {
		t.Errorf("the second call changes the pod:\n%+v", second.Patch)
	}
}

type testCase struct {
	files    map[string]string
	injector *inject.Injector
	request  inject.Request
}

func readCase(t *testing.T, archive *txtar.Archive) testCase {
	t.Helper()
	c := testCase{files: map[string]string{"config.yaml": "policy: enabled"}}
	for _, f := range archive.Files {
		c.files[f.Name] = string(f.Data)
	}
	env := map[string]string{}
	for line := range strings.Lines(c.files["env"]) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		env[name] = value
	}
	sources := inject.Sources{
		Config: []byte(c.files["config.yaml"]),
		Values: laidOver(t, minimalValues, c.files["values.yaml"]),
		Mesh:   []byte(c.files["mesh.yaml"]),
	}
	var err error
	if c.injector, err = inject.New(sources, inject.Settings{Env: env}); err != nil {
		t.Fatal(err)
	}
	var ns corev1.Namespace
	if err := yaml.Unmarshal([]byte(c.files["namespace.yaml"]), &ns); err != nil {
		t.Fatal(err)
	}
	if ns.Name == "" {
		ns.Name = "shop"
	}
	pod, err := yaml.YAMLToJSON([]byte(c.files["pod.yaml"]))
	if err != nil {
		t.Fatal(err)
	}
	c.request = inject.Request{
		Pod:       pod,
		Namespace: inject.Namespace{Name: ns.Name, Labels: ns.Labels, Annotations: ns.Annotations},
		Native:    inject.Native{Supported: env["ENABLE_NATIVE_SIDECARS"] != "false", Why: "the test says so"}.Everywhere,
	}
	return c
}

// laidOver merges two YAML maps, the second over the first.
func laidOver(t testing.TB, base, over string) []byte {
	t.Helper()
	var b, o map[string]any
	if err := yaml.Unmarshal([]byte(base), &b); err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal([]byte(over), &o); err != nil {
		t.Fatal(err)
	}
	merged, err := inject.Merge(b, o)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(merged)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func printDecision(r inject.Result) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %s\n%s\n", r.Decision.Verdict, r.Decision.Reason, strings.Join(r.Decision.Templates, ","), r.Decision.Sentence)
	for _, warning := range r.Warnings {
		fmt.Fprintf(&b, "warning: %s\n", warning)
	}
	return b.String()
}

// printPatch is one operation a line. The record holds the hash of the
// configuration, which changes with every letter of it, and is left out.
func printPatch(t *testing.T, ops []inject.Operation) string {
	t.Helper()
	var b strings.Builder
	for _, op := range ops {
		if annotations, ok := op.Value.(map[string]any); ok && op.Path == "/metadata/annotations" {
			annotations = copyTree(annotations)
			delete(annotations, inject.RecordAnnotation)
			op.Value = annotations
		}
		if strings.HasSuffix(op.Path, "/outrigger.dev~1injection") {
			continue
		}
		raw, err := json.Marshal(op.Value)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%s %s %s\n", op.Operation, op.Path, raw)
	}
	return b.String()
}

func setFile(archive *txtar.Archive, name, text string) {
	for i := range archive.Files {
		if archive.Files[i].Name == name {
			archive.Files[i].Data = []byte(text)
			return
		}
	}
	archive.Files = append(archive.Files, txtar.File{Name: name, Data: []byte(text)})
}
