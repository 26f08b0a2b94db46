package inject_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"outrigger.dev/outrigger/inject"
)

// many is a list of variables that is worth cutting.
func many(more string) string {
	var b strings.Builder
	for i := range 200 {
		fmt.Fprintf(&b, `{"name":"SETTING_%d","value":"some \"value\""},`, i)
	}
	return "[" + b.String() + more + "]"
}

const ref = `{"name":"IP","valueFrom":{"fieldRef":{"fieldPath":"status.podIP"}}}`

func TestLean(t *testing.T) {
	for name, tc := range map[string]struct {
		pod, want string
		cut       []string
	}{
		"variables are cut out of every container that has many": {
			pod: `{"spec":{"initContainers":[{"name":"a","env":` + many(ref) + `}],"containers":[{"env":` + many(ref) + `,"name":"b"},{"name":"c","env":[` + ref + `]}]}}`,
			want: `{"spec":{"initContainers":[{"name":"a","env":[{"name":"=outrigger.dev/variables"}]}],` +
				`"containers":[{"env":[{"name":"=outrigger.dev/variables"}],"name":"b"},{"name":"c","env":[` + ref + `]}]}}`,
			cut: []string{"a", "b"},
		},
		"the proxy's are needed":                   {pod: `{"spec":{"containers":[{"name":"istio-proxy","env":` + many(ref) + `}]}}`},
		"a value that is a number is a fault":      {pod: `{"spec":{"containers":[{"name":"a","env":` + many(`{"name":"A","value":1}`) + `}]}}`},
		"a reference that is a text is a fault":    {pod: `{"spec":{"containers":[{"name":"a","env":` + many(`{"name":"A","valueFrom":"b"}`) + `}]}}`},
		"a variable without a name is a fault":     {pod: `{"spec":{"containers":[{"name":"a","env":` + many(`{"value":"b"}`) + `}]}}`},
		"a variable that is a text is a fault":     {pod: `{"spec":{"containers":[{"name":"a","env":` + many(`"b"`) + `}]}}`},
		"variables that are no list are a fault":   {pod: `{"spec":{"containers":[{"name":"a","env":{"a":` + many(ref) + `}}]}}`},
		"a container without a name has no pod":    {pod: `{"spec":{"containers":[{"env":` + many(ref) + `}]}}`},
		"variables that are there twice stay":      {pod: `{"spec":{"containers":[{"name":"a","env":` + many(ref) + `,"env":[]}]}}`},
		"containers that are there twice stay":     {pod: `{"spec":{"containers":[{"name":"a","env":` + many(ref) + `}],"containers":[]}}`},
		"a name with an escape stays":              {pod: `{"spec":{"containers":[{"name":"\u0061","env":` + many(ref) + `}]}}`},
		"a pod that speaks of the stand stays":     {pod: `{"spec":{"containers":[{"name":"a","env":` + many(`{"name":"=outrigger.dev/variables"}`) + `}]}}`},
		"what is no pod stays":                     {pod: `{"spec":[{"containers":[{"name":"a","env":` + many(ref) + `}]}]}`},
		"a text that ends too early stays":         {pod: `{"spec":{"containers":[{"name":"a","env":` + many(ref)},
		"a pod without anything to cut costs none": {pod: `{"spec":{"containers":[{"name":"a"}]}}`},
	} {
		t.Run(name, func(t *testing.T) {
			text, cut := inject.Lean([]byte(tc.pod))
			if diff := cmp.Diff(tc.want, text); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			if diff := cmp.Diff(tc.cut, cut); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// seeing are templates that look at variables, and that move containers.
var seeing = []profile{
	{config: `
policy: enabled
defaultTemplates: [counts, sidecar]
templates:
  counts: |
    metadata: {labels: {variables: "{{ range .Spec.Containers }}{{ len .Env }}-{{ end }}"}}
`},
	{config: `
policy: enabled
defaultTemplates: [moves, grpc-simple]
templates:
  moves: |
    spec: {containers: [{name: logs, image: logs:1, $before: ["*"]}], initContainers: [{name: b, image: b:1, $after: ["*"]}]}
`},
}

// FuzzLean: what an injection gives without a pod's variables is what it gives with
// them, for pods that have been injected already as well.
func FuzzLean(f *testing.F) {
	garden := newGarden(f)
	for _, pod := range garden.pods {
		for _, seed := range seeds()[:1] {
			f.Add(pod, seed)
		}
	}
	all := injectors(f, slices.Concat(profiles, seeing)...)
	f.Fuzz(func(t *testing.T, pod, choices []byte) {
		s := source(choices)
		first, second := all[s.pick(len(all))], all[s.pick(len(all))]
		pod = fattened(&s, garden.cross(&s, pod))
		pod = alike(t, first, pod)
		alike(t, second, pod)
	})
}

// alike injects a pod without its variables and with them, and returns it injected.
func alike(t *testing.T, in *inject.Injector, pod []byte) []byte {
	t.Helper()
	req := inject.Request{Pod: pod, Namespace: inject.Namespace{Name: "shop"}}
	lean, err := in.Inject(req)
	whole, errWhole := inject.InjectWhole(in, req)
	if errWhole != nil && lean.Decision.Verdict == inject.Skip {
		return pod // one that is skipped is only glanced at, and what is wrong with it is not seen
	}
	if diff := cmp.Diff(fmt.Sprint(errWhole), fmt.Sprint(err)); diff != "" {
		t.Fatalf("%s\n-whole +lean\n%s", pod, diff)
	}
	if err != nil {
		return pod
	}
	for what, pair := range map[string][2]any{
		"decision": {whole.Decision, lean.Decision}, "patch": {whole.Patch, lean.Patch}, "warnings": {whole.Warnings, lean.Warnings},
		"pod": {readTree(whole.Pod()), readTree(lean.Pod())},
	} {
		if diff := cmp.Diff(pair[0], pair[1]); diff != "" {
			t.Errorf("%s\n%s: -whole +lean\n%s", pod, what, diff)
		}
	}
	return lean.Pod()
}

// fattened gives containers of a pod more variables.
func fattened(s *source, pod []byte) []byte {
	var o tree
	if json.Unmarshal(pod, &o) != nil {
		return pod
	}
	spec, _ := o["spec"].(tree)
	for _, list := range []string{"containers", "initContainers"} {
		elements, _ := spec[list].([]any)
		for _, element := range elements {
			if c, ok := element.(tree); ok && s.maybe() {
				own, _ := c["env"].([]any)
				var more []any
				if err := json.Unmarshal([]byte(many(ref)), &more); err != nil {
					panic(err)
				}
				c["env"] = append(own, more...)
			}
		}
	}
	fat, err := json.Marshal(o)
	if err != nil {
		panic(err)
	}
	return fat
}
