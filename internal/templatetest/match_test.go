package templatetest_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"outrigger.dev/outrigger/internal/templatetest"
	"sigs.k8s.io/yaml"
)

func TestDifferences(t *testing.T) {
	const pod = `{metadata: {name: web, labels: {app: web}}, spec: {replicas: 2, containers: [
		{name: a, ports: [{containerPort: 80}], volumeMounts: [{name: v, mountPath: /v}, {name: v, mountPath: /w}]},
		{name: b, args: [-x, -y]}]}}`
	for sentence, test := range map[string]struct{ want, differences string }{
		"nothing is wanted":                  {`{}`, ``},
		"a part is there":                    {`{metadata: {labels: {app: web}}}`, ``},
		"a number is compared as one":        {`{spec: {replicas: 2}}`, ``},
		"another value":                      {`{spec: {replicas: 3}}`, `spec.replicas is 2, want 3`},
		"another kind of value":              {`{spec: [a]}`, `spec is {"containers":…`},
		"a key that is missing":              {`{spec: {nodeName: a}}`, `spec.nodeName is not there, want "a"`},
		"what must not be there, and is":     {`{spec: {replicas: null}}`, `spec.replicas is 2, want none`},
		"what must not be there, and is not": {`{spec: {nodeName: null}}`, ``},
		"a list is searched by name":         {`{spec: {containers: [{name: b}, {name: a}]}}`, ``},
		"a name that is missing":             {`{spec: {containers: [{name: c}]}}`, `spec.containers[name=c] is not there`},
		"ports have no name but a number":    {`{spec: {containers: [{name: a, ports: [{containerPort: 81}]}]}}`, `spec.containers[name=a].ports[containerPort=81] is not there`},
		"mounts are known by their path":     {`{spec: {containers: [{name: a, volumeMounts: [{mountPath: /w, name: w}]}]}}`, `spec.containers[name=a].volumeMounts[mountPath=/w].name is "v", want "w"`},
		"a list of texts is compared whole":  {`{spec: {containers: [{name: b, args: [-y]}]}}`, `spec.containers[name=b].args is ["-x","-y"], want ["-y"]`},
		"an empty list is compared whole":    {`{spec: {containers: [{name: b, args: []}]}}`, `spec.containers[name=b].args is ["-x","-y"], want []`},
		"all of it, in the order of keys":    {`{spec: {replicas: 3, nodeName: a}, metadata: {name: x}}`, "metadata.name is \"web\", want \"x\"\nspec.nodeName is not there, want \"a\"\nspec.replicas is 2, want 3"},
	} {
		t.Run(sentence, func(t *testing.T) {
			got := strings.Join(templatetest.Differences(read(t, test.want), read(t, pod)), "\n")
			want := test.differences
			if begin, cut := strings.CutSuffix(want, "…"); cut && strings.HasPrefix(got, begin) {
				return
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func read(t *testing.T, text string) any {
	t.Helper()
	var v any
	if err := yaml.Unmarshal([]byte(strings.ReplaceAll(text, "\t", " ")), &v); err != nil {
		t.Fatal(err)
	}
	return v
}
