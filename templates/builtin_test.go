package templates_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
	corev1 "k8s.io/api/core/v1"
	"outrigger.dev/outrigger/templates"
	"sigs.k8s.io/yaml"
)

var update = flag.Bool("update", false, "write what came out as what is wanted")

// TestBuiltin renders built-in templates, one behaviour a file of testdata; its
// first lines say which. A file has:
//
//	template     the template's name; sidecar where there is none
//	data.yaml    fields of the template's data over those of newData
//	values.yaml  over testdata/values.yaml
//	mesh.yaml    over Istio's defaults; its defaultConfig is the pod's
//	pod.yaml     the pod
//	want.yaml    what the template yields
//
// Where want.yaml is headed by "# in part", only what it has is compared, lists of
// named elements by name; null there means that there is none.
func TestBuiltin(t *testing.T) {
	set := builtin(t)
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("testdata: %d cases, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			sections := map[string]*txtar.File{}
			for i := range archive.Files {
				sections[archive.Files[i].Name] = &archive.Files[i]
			}
			text := func(name string) string {
				if section := sections[name]; section != nil {
					return string(section.Data)
				}
				return ""
			}
			name := strings.TrimSpace(text("template"))
			if name == "" {
				name = "sidecar"
			}
			out, err := set.Execute(name, readData(t, text))
			if err != nil {
				t.Fatal(err)
			}
			var pod corev1.Pod
			if err := yaml.UnmarshalStrict([]byte(out), &pod); err != nil {
				t.Fatalf("%v in\n%s", err, out)
			}
			want := text("want.yaml")
			got := tree(t, pod)
			delete(got, "status")
			if strings.HasPrefix(want, "# in part") {
				got, _ = part(got, tree(t, want)).(map[string]any)
			}
			if diff := cmp.Diff(tree(t, want), got); diff == "" {
				return
			} else if !*update {
				t.Fatalf("-want +got\n%s", diff)
			}
			doc, err := yaml.Marshal(got)
			if err != nil {
				t.Fatal(err)
			}
			sections["want.yaml"].Data = doc
			if strings.HasPrefix(want, "# in part") {
				sections["want.yaml"].Data = append([]byte("# in part\n"), doc...)
			}
			if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func builtin(t testing.TB) *templates.Set {
	t.Helper()
	set, err := templates.Parse(templates.Builtin(), templates.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// part is got without what want does not have.
func part(got, want any) any {
	switch want := want.(type) {
	case map[string]any:
		whole, _ := got.(map[string]any)
		if len(want) == 0 || len(want) == 1 && name(want) != "" {
			return whole
		}
		rest := map[string]any{}
		for key, value := range want {
			rest[key] = part(whole[key], value)
		}
		return rest
	case []any:
		whole, _ := got.([]any)
		named := []any{}
		for _, value := range want {
			for _, present := range whole {
				if name(value) != "" && name(value) == name(present) {
					named = append(named, part(present, value))
				}
			}
		}
		if len(want) > 0 && name(want[0]) != "" {
			return named
		}
	}
	return got
}

func name(element any) string {
	named, _ := element.(map[string]any)
	if named["name"] == nil {
		return ""
	}
	return fmt.Sprint(named["name"])
}
