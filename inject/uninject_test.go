package inject_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
	"outrigger.dev/outrigger/inject"
)

// Whatever the templates did to a pod, taking it back gives the pod that went in.
func TestUninject(t *testing.T) {
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
			c := readCase(t, archive)
			if strings.Contains(string(c.request.Pod), inject.RecordAnnotation) {
				return // it comes injected
			}
			result, err := c.injector.Inject(c.request)
			if err != nil {
				t.Fatal(err)
			}
			ops, err := c.injector.Uninject(result.Pod())
			if err != nil {
				t.Fatal(err)
			}
			back, err := inject.Apply(result.Pod(), ops)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(readTree(c.request.Pod), readTree(back)); diff != "" {
				t.Errorf("-went in +taken back\n%s", diff)
			}
		})
	}
}
