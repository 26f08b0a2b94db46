package inject_test

import (
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
	"outrigger.dev/outrigger/inject"
	"outrigger.dev/outrigger/templates"
	"sigs.k8s.io/yaml"
)

// No bytes make an injection panic, and what it answers always applies and is
// a fixed point: a pod that was injected, whoever wrote its record, is left
// alone when it comes again.
func FuzzInject(f *testing.F) {
	for _, pod := range templates.Corpus() {
		f.Add(pod)
	}
	for _, entry := range []string{"foreign-record", "retired", "reinjection-keeps-others"} {
		archive, err := txtar.ParseFile("testdata/" + entry + ".txtar")
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range archive.Files {
			if file.Name == "pod.yaml" {
				f.Add(toJSON(f, file.Data))
			}
		}
	}
	in, err := inject.New(inject.Sources{Config: []byte(`{policy: enabled}`), Values: []byte(minimalValues)}, inject.Settings{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, pod []byte) {
		req := inject.Request{Pod: pod, Namespace: inject.Namespace{Name: "shop"}, Native: inject.Native{Supported: true}.Everywhere}
		first, err := in.Inject(req)
		if err != nil {
			if strings.Contains(err.Error(), "panic") || !strings.HasPrefix(err.Error(), "pod: ") {
				t.Fatalf("%s\n%v", pod, err)
			}
			return // no pod
		}
		if len(first.Patch) == 0 {
			return
		}
		req.Pod = first.Pod
		second, err := in.Inject(req)
		if err != nil {
			t.Fatalf("%s\n%v", first.Pod, err)
		}
		if len(second.Patch) > 0 && first.Decision.Verdict == inject.Inject {
			t.Errorf("%s\nthe second call changes it:\n%v", first.Pod, second.Patch)
		}
	})
}

func toJSON(f *testing.F, doc []byte) []byte {
	f.Helper()
	raw, err := yaml.YAMLToJSON(doc)
	if err != nil {
		f.Fatal(err)
	}
	return raw
}
