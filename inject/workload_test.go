package inject_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"outrigger.dev/outrigger/inject"
)

func TestReadWorkloads(t *testing.T) {
	const pod = `{"metadata":{"labels":{"a":"b"}},"spec":{"future":1}}`
	cases := map[string]struct {
		document string
		want     []inject.Workload
	}{
		"a Pod is its own pod": {
			`{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","namespace":"n"},"spec":{}}`,
			[]inject.Workload{{
				APIVersion: "v1", Kind: "Pod", Name: "a", Namespace: "n",
				Pod: []byte(`{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","namespace":"n"},"spec":{}}`),
			}},
		},
		"a pod without a name goes by its generateName, one without a namespace is in default": {
			`{"apiVersion":"v1","kind":"Pod","metadata":{"generateName":"a-"},"spec":{}}`,
			[]inject.Workload{{
				APIVersion: "v1", Kind: "Pod", Name: "a-", Namespace: "default",
				Pod: []byte(`{"apiVersion":"v1","kind":"Pod","metadata":{"generateName":"a-"},"spec":{}}`),
			}},
		},
		"a pod without metadata": {
			`{"apiVersion":"v1","kind":"Pod","spec":{}}`,
			[]inject.Workload{{
				APIVersion: "v1", Kind: "Pod", Namespace: "default", Pod: []byte(`{"apiVersion":"v1","kind":"Pod","spec":{}}`),
			}},
		},
		"a Deployment's pod is its template, unknown fields and all": {
			`{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"a"},"spec":{"template":` + pod + `}}`,
			[]inject.Workload{{
				APIVersion: "apps/v1", Kind: "Deployment", Name: "a", Namespace: "default",
				Pod: []byte(pod), Prefix: "/spec/template",
			}},
		},
		"a version that is gone from the API": {
			`{"apiVersion":"extensions/v1beta1","kind":"DaemonSet","metadata":{"name":"a"},"spec":{"template":` + pod + `}}`,
			[]inject.Workload{{
				APIVersion: "extensions/v1beta1", Kind: "DaemonSet", Name: "a", Namespace: "default",
				Pod: []byte(pod), Prefix: "/spec/template",
			}},
		},
		"a DeploymentConfig from before OpenShift had API groups": {
			`{"apiVersion":"v1","kind":"DeploymentConfig","metadata":{"name":"a"},"spec":{"template":` + pod + `}}`,
			[]inject.Workload{{
				APIVersion: "v1", Kind: "DeploymentConfig", Name: "a", Namespace: "default",
				Pod: []byte(pod), Prefix: "/spec/template",
			}},
		},
		"a CronJob's pod is two templates down": {
			`{"apiVersion":"batch/v1","kind":"CronJob","metadata":{"name":"a","labels":{"not":"the pod's"}},
			  "spec":{"jobTemplate":{"metadata":{"labels":{"nor":"these"}},"spec":{"template":` + pod + `}}}}`,
			[]inject.Workload{{
				APIVersion: "batch/v1", Kind: "CronJob", Name: "a", Namespace: "default",
				Pod: []byte(pod), Prefix: "/spec/jobTemplate/spec/template",
			}},
		},
		"a template's own namespace does not count": {
			`{"apiVersion":"batch/v1","kind":"Job","metadata":{"name":"a","namespace":"n"},
			  "spec":{"template":{"metadata":{"namespace":"kube-system"},"spec":{}}}}`,
			[]inject.Workload{{
				APIVersion: "batch/v1", Kind: "Job", Name: "a", Namespace: "n",
				Pod: []byte(`{"metadata":{},"spec":{}}`), Prefix: "/spec/template",
			}},
		},
		"a List is its items, Lists in it too": {
			`{"apiVersion":"v1","kind":"List","items":[
			  {"apiVersion":"v1","kind":"Service"},
			  {"apiVersion":"v1","kind":"List","items":[
			    {"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"},"spec":{}}]}]}`,
			[]inject.Workload{{
				APIVersion: "v1", Kind: "Pod", Name: "a", Namespace: "default", Prefix: "/items/1/items/0",
				Pod: []byte(`{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"},"spec":{}}`),
			}},
		},
		"a kind without a pod": {`{"apiVersion":"v1","kind":"Service","spec":{"template":{"spec":{}}}}`, nil},
		"somebody else's kind of the same name": {
			`{"apiVersion":"example.com/v1","kind":"Deployment","spec":{"template":` + pod + `}}`, nil,
		},
		"an empty List": {`{"apiVersion":"v1","kind":"List","items":null}`, nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := inject.ReadWorkloads([]byte(c.document))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got, cmp.Transformer("text", func(b []byte) string { return string(b) })); diff != "" {
				t.Errorf("workloads (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReadWorkloadsRefuses(t *testing.T) {
	cases := map[string]struct{ document, want string }{
		"text that is no JSON":      {`{"kind":`, "unexpected EOF"},
		"a value that is no object": {`null`, "null, wanted an object"},
		"a Deployment without a template": {
			`{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"a"},"spec":{}}`,
			`Deployment "a": no object at /spec/template/spec, want a pod's spec`,
		},
		"a Pod whose spec is null": {
			`{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"},"spec":null}`,
			`Pod "a": no object at /spec, want a pod's spec`,
		},
		"a List of text": {
			`{"apiVersion":"v1","kind":"List","items":["a"]}`,
			`item 0 of a List: not an object, want a manifest`,
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := inject.ReadWorkloads([]byte(c.document))
			if err == nil || err.Error() != c.want {
				t.Errorf("got %v and %v, want the sentence %q", got, err, c.want)
			}
		})
	}
}

func TestOwner(t *testing.T) {
	w := inject.Workload{APIVersion: "apps/v1", Kind: "Deployment", Name: "a", Namespace: "n", Prefix: "/spec/template"}
	want := &inject.Owner{APIVersion: "apps/v1", Kind: "Deployment", Name: "a", Namespace: "n"}
	if diff := cmp.Diff(want, w.Owner()); diff != "" {
		t.Errorf("a Deployment (-want +got):\n%s", diff)
	}
	w = inject.Workload{APIVersion: "v1", Kind: "Pod", Name: "a", Namespace: "n", Prefix: "/items/0"}
	if got := w.Owner(); got != nil {
		t.Errorf("a Pod says itself who its owner is, got %v", got)
	}
}

func TestPrefixedOperationsApplyToTheDocument(t *testing.T) {
	document := []byte(`{"apiVersion":"v1","kind":"List","items":[
	  {"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"a"},"spec":{"template":{"spec":{}}}}]}`)
	found, err := inject.ReadWorkloads(document)
	if err != nil || len(found) != 1 {
		t.Fatalf("got %v and %v, want one workload", found, err)
	}
	ops := []inject.Operation{
		{Operation: "add", Path: "/metadata", Value: map[string]any{"labels": map[string]any{}}},
		{Operation: "add", Path: "/metadata/labels/x~1y", Value: "z"},
	}
	got, err := inject.Apply(document, found[0].Prefixed(ops))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"apps/v1","kind":"Deployment",
	  "metadata":{"name":"a"},"spec":{"template":{"metadata":{"labels":{"x/y":"z"}},"spec":{}}}}]}`
	if diff := cmp.Diff(treeOfJSON(t, []byte(want)), treeOfJSON(t, got)); diff != "" {
		t.Errorf("document (-want +got):\n%s", diff)
	}
	if ops[0].Path != "/metadata" {
		t.Errorf("the operations on the pod were changed: %v", ops)
	}
}

func treeOfJSON(t *testing.T, raw []byte) (v any) {
	t.Helper()
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	return v
}
