package charts_test

import (
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"outrigger.dev/outrigger/charts"
)

// A schema is what is read of values.schema.json.
type schema struct {
	Type                 any
	Properties           map[string]*schema
	AdditionalProperties any
	Ref                  string `json:"$ref"`
}

func schemaOf(t *testing.T) *schema {
	t.Helper()
	var s schema
	if err := yaml.Unmarshal(load(t).Schema, &s); err != nil {
		t.Fatal(err)
	}
	return &s
}

// at is the schema of a value, or nil.
func (s *schema) at(path ...string) *schema {
	for _, key := range path {
		if s == nil {
			return nil
		}
		s = s.Properties[key]
	}
	return s
}

// free are the maps whose keys are not the chart's, but of Kubernetes, of Istio or of
// whoever installs it.
var free = []string{
	"affinity", "resources", "podSecurityContext", "containerSecurityContext", "autoscaling.behavior",
	"meshConfig", "pilot.env", "global", "gateways.securityContext", "gateways.seccompProfile",
	// These two are closed by the mode.
	"certificates.certManager", "certificates.existingSecret",
}

// Everything else is closed: a value that is misspelt is refused.
func TestSchemaIsClosed(t *testing.T) {
	var look func(at string, s *schema)
	look = func(at string, s *schema) {
		if slices.Contains(free, at) || s.Ref != "" {
			return
		}
		if s.Type == "object" && s.AdditionalProperties == nil {
			t.Errorf("%s: open for keys that nobody reads", at)
		}
		for _, key := range slices.Sorted(maps.Keys(s.Properties)) {
			look(strings.TrimPrefix(at+"."+key, "."), s.Properties[key])
		}
	}
	look("", schemaOf(t))
}

func TestSchemaKnowsEveryDefault(t *testing.T) {
	values, known := yamlMap(t, file(t, "values.yaml")), schemaOf(t).Properties
	delete(known, "enabled") // of umbrella charts
	if diff := cmp.Diff(slices.Sorted(maps.Keys(values)), slices.Sorted(maps.Keys(known))); diff != "" {
		t.Errorf("values.yaml and values.schema.json (-values +schema):\n%s", diff)
	}
}

// What a profile sets is a value of the chart, and has no default beside it: it would
// go before the profile.
func TestProfilesSetWhatIsLeftEmpty(t *testing.T) {
	names, err := fs.Glob(charts.Outrigger(), "profiles/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	values := yamlMap(t, file(t, "values.yaml"))
	completed := map[string]bool{}
	for _, name := range names {
		for at := range leaves("", yamlMap(t, file(t, name))) {
			value, known := lookUp(values, at)
			_, inMap := lookUp(values, at[:max(0, strings.LastIndex(at, "."))])
			isFree := strings.HasPrefix(at, "meshConfig.") || strings.HasPrefix(at, "podAnnotations.")
			switch {
			case isFree:
			case !known && !inMap:
				t.Errorf("%s sets %s, which values.yaml does not have", name, at)
			case value != nil:
				t.Errorf("%s sets %s, which values.yaml has the default %v for", name, at, value)
			case path.Base(name) == "default.yaml":
				completed[at] = true
			case !completed[at]:
				t.Errorf("%s sets %s, and the profile default does not", name, at)
			}
		}
	}
	for at, value := range leaves("", values) {
		budget := at == "podDisruptionBudget.minAvailable" || at == "podDisruptionBudget.maxUnavailable"
		if value == nil && !completed[at] && !budget {
			t.Errorf("values.yaml leaves %s empty, and the profile default does, too", at)
		}
	}
}

// leaves are the values in nested maps, by their paths.
func leaves(at string, m map[string]any) map[string]any {
	all := map[string]any{}
	for key, value := range m {
		if inner, ok := value.(map[string]any); ok && len(inner) > 0 {
			maps.Copy(all, leaves(at+key+".", inner))
			continue
		}
		all[at+key] = value
	}
	return all
}

// lookUp finds a value by the path that leaves gives it.
func lookUp(m map[string]any, at string) (any, bool) {
	if value, ok := m[at]; ok {
		return value, true // a key may have dots
	}
	key, rest, _ := strings.Cut(at, ".")
	inner, isMap := m[key].(map[string]any)
	if !isMap {
		return nil, false
	}
	return lookUp(inner, rest)
}

func localFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
