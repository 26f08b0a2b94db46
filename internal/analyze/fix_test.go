package analyze_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"outrigger.dev/outrigger/charts"
)

// A fix is typed as it is printed, and the chart refuses a value that it does not have.
func TestFixesSetValuesThatTheChartHas(t *testing.T) {
	text, err := fs.ReadFile(charts.Outrigger(), "values.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var values map[string]any
	if err := yaml.Unmarshal(text, &values); err != nil {
		t.Fatal(err)
	}
	fixtures, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	set, seen := regexp.MustCompile(`fix: .*--set ([A-Za-z.]+)=`), 0
	for _, fixture := range fixtures {
		text, err := os.ReadFile(fixture)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range set.FindAllSubmatch(text, -1) {
			seen++
			at, has := any(values), true
			for _, key := range strings.Split(string(found[1]), ".") {
				inner, _ := at.(map[string]any)
				if at, has = inner[key]; !has {
					t.Errorf("%s: the fix sets %s, which the chart does not have", fixture, found[1])
					break
				}
			}
		}
	}
	if seen == 0 {
		t.Error("no fix sets anything")
	}
}
