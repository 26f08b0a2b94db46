package inject_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/evanphx/json-patch.v4"

	"outrigger.dev/outrigger/inject"
)

// explained is a pod that many rules have something to do with.
const explained = `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"web","labels":{"app":"web"},
	"annotations":{"prometheus.io/scrape":"true","prometheus.io/port":"8080"}},
	"spec":{"containers":[
		{"name":"web","image":"web:1","ports":[{"containerPort":8080}],"readinessProbe":{"httpGet":{"path":"/ready","port":8080}}},
		{"name":"istio-proxy","image":"auto","resources":{"requests":{"cpu":"1"}}}]}}`

func explain(t *testing.T, pod string) inject.Explanation {
	t.Helper()
	got, err := newInjector(t, `{policy: enabled, defaultTemplates: [sidecar]}`).Explain(inject.Request{
		Pod: []byte(pod), Namespace: inject.Namespace{Name: "shop", Unknown: true}, Path: inject.Path{Cluster: "c1"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestOriginsNameTemplatesAndRules(t *testing.T) {
	got := explain(t, explained)
	by := map[string]string{}
	for _, origin := range got.Origins {
		by[origin.Path] = origin.By
	}
	for path, want := range map[string]string{
		"/metadata/annotations/sidecar.istio.io~1status":  "metadata",
		"/metadata/annotations/outrigger.dev~1injection":  "record",
		"/metadata/annotations/proxy.istio.io~1overrides": "overrides",
		"/metadata/annotations/prometheus.io~1port":       "prometheus",
		"/spec/containers/0/readinessProbe/httpGet/path":  "probes",
		"/spec/volumes": "template sidecar",
		"/metadata/labels/security.istio.io~1tlsMode":       "template sidecar",
		"/metadata/labels/service.istio.io~1canonical-name": "template sidecar",
	} {
		if by[path] != want {
			t.Errorf("%s is by %q, want %q", path, by[path], want)
		}
	}
	if t.Failed() {
		t.Logf("origins: %v", got.Origins)
	}
	if diff := cmp.Diff([]inject.Choice{{Name: "sidecar", Why: "defaultTemplates of the configuration", Builtin: true}}, got.Templates); diff != "" {
		t.Errorf("templates (-want +got):\n%s", diff)
	}
}

// Every value that the patch sets has an origin at its path or above it, and an
// origin that adds points at what is there.
func TestEveryPatchedValueHasAnOrigin(t *testing.T) {
	got := explain(t, explained)
	var after any
	if err := json.Unmarshal(got.Pod(), &after); err != nil {
		t.Fatal(err)
	}
	for _, origin := range got.Origins {
		if origin.Op == "remove" {
			continue
		}
		test, _ := json.Marshal([]map[string]any{{"op": "add", "path": origin.Path, "value": "x"}})
		patch, err := jsonpatch.DecodePatch(test)
		if err == nil {
			_, err = patch.Apply(got.Pod())
		}
		if err != nil {
			t.Errorf("origin %v points nowhere: %v", origin, err)
		}
	}
	for _, op := range got.Patch {
		if !slices.ContainsFunc(got.Origins, func(o inject.Origin) bool {
			return o.Path == op.Path || strings.HasPrefix(op.Path, o.Path+"/") || strings.HasPrefix(o.Path, op.Path+"/")
		}) {
			t.Errorf("%s %s has no origin", op.Operation, op.Path)
		}
	}
}

// Explaining changes nothing: the result is that of Inject.
func TestExplainGivesWhatInjectGives(t *testing.T) {
	for name, pod := range map[string]string{
		"a pod":          explained,
		"an opted out":   `{"metadata":{"labels":{"sidecar.istio.io/inject":"false"}},"spec":{"containers":[{"name":"a"}]}}`,
		"one that fails": `{"metadata":{"annotations":{"inject.istio.io/templates":"none"}},"spec":{"containers":[{"name":"a"}]}}`,
	} {
		t.Run(name, func(t *testing.T) {
			request := inject.Request{Pod: []byte(pod), Namespace: inject.Namespace{Name: "shop", Unknown: true}, Path: inject.Path{Cluster: "c1"}}
			want, err := newInjector(t, `{policy: enabled, defaultTemplates: [sidecar]}`).Inject(request)
			if err != nil {
				t.Fatal(err)
			}
			got := explain(t, pod)
			if diff := cmp.Diff(want.Decision, got.Decision); diff != "" {
				t.Errorf("decision (-inject +explain):\n%s", diff)
			}
			if diff := cmp.Diff(string(want.Pod()), string(got.Pod())); diff != "" {
				t.Errorf("pod (-inject +explain):\n%s", diff)
			}
		})
	}
}

// The phases of a pod that is injected, in their order.
func TestPhasesAreTold(t *testing.T) {
	var phases []inject.Phase
	request := inject.Request{
		Pod: []byte(explained), Namespace: inject.Namespace{Name: "shop", Unknown: true},
		Passed: func(p inject.Phase) { phases = append(phases, p) },
	}
	if _, err := newInjector(t, `{policy: enabled, defaultTemplates: [sidecar]}`).Inject(request); err != nil {
		t.Fatal(err)
	}
	want := []inject.Phase{inject.Decoded, inject.Decided, inject.Rendered, inject.Merged, inject.Finished, inject.Patched}
	if diff := cmp.Diff(want, phases); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
