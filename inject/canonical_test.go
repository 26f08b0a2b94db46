package inject_test

import (
	"crypto/sha256"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"outrigger.dev/outrigger/inject"
	"outrigger.dev/outrigger/templates"
)

// Pods of a workload differ in what the API server makes up. Everything else
// tells pods apart.
func TestCanonicalize(t *testing.T) {
	const (
		one   = `{"metadata":{"generateName":"web-","managedFields":[{"time":"2026-01-01T00:00:01Z","fieldsV1":{"a}":"]"}}],"labels":{"a":"b"}},"spec":{"volumes":[{"name":"kube-api-access-bcdfg"}],"containers":[{"name":"app","volumeMounts":[{"name":"kube-api-access-bcdfg"}]}]}}`
		clean = `{"metadata":{"generateName":"web-","labels":{"a":"b"}},"spec":{"volumes":[{"name":"kube-api-access-00000"}],"containers":[{"name":"app","volumeMounts":[{"name":"kube-api-access-00000"}]}]}}`
	)
	for sentence, c := range map[string]struct{ pod, want string }{
		"a pod as the API server sends it": {one, clean},
		"another of its workload": {
			strings.NewReplacer("bcdfg", "x2z9w", "00:00:01", "11:11:11").Replace(one), clean},
		"managedFields last":      {`{"metadata":{"a":1,"managedFields":[]},"spec":{}}`, `{"metadata":{"a":1},"spec":{}}`},
		"managedFields alone":     {`{"metadata":{"managedFields":[]},"spec":{}}`, `{"metadata":{},"spec":{}}`},
		"managedFields, spaced":   {`{"metadata": {"a": 1 , "managedFields": [ ] }}`, `{"metadata": {"a": 1  }}`},
		"managedFields elsewhere": {`{"spec":{"managedFields":[]}}`, `{"spec":{"managedFields":[]}}`},
		"two names that could be generated": {
			`{"a":"kube-api-access-bcdfg","b":"kube-api-access-hjklm"}`, `{"a":"kube-api-access-bcdfg","b":"kube-api-access-hjklm"}`},
		"a name that nobody generates": {`{"a":"kube-api-access-aeiou"}`, `{"a":"kube-api-access-aeiou"}`},
		"the stand-in beside a name": {
			`{"a":"kube-api-access-00000","b":"kube-api-access-bcdfg"}`, `{"a":"kube-api-access-00000","b":"kube-api-access-bcdfg"}`},
		"the stand-in before managedFields, a name behind": {
			`{"metadata":{"name":"kube-api-access-00000","managedFields":[]},"b":"kube-api-access-bcdfg"}`, `{"metadata":{"name":"kube-api-access-00000"},"b":"kube-api-access-bcdfg"}`},
		"a name before managedFields, another behind": {
			`{"metadata":{"name":"kube-api-access-bcdfg","managedFields":[]},"b":"kube-api-access-hjklm"}`, `{"metadata":{"name":"kube-api-access-bcdfg"},"b":"kube-api-access-hjklm"}`},
		"the stand-in alone": {`{"a":"kube-api-access-00000"}`, `{"a":"kube-api-access-00000"}`},
		"a name cut short":   {`kube-api-access-bc`, `kube-api-access-bc`},
		"no JSON":            {`{"metadata":{"managedFields":[`, `{"metadata":{"managedFields":[`},
		"nothing":            {``, ``},
	} {
		t.Run(sentence, func(t *testing.T) {
			canonical := inject.Canonicalize([]byte(c.pod))
			if diff := cmp.Diff(c.want, string(canonical.Pod())); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			hashed, want := sha256.New(), sha256.Sum256([]byte(c.want))
			canonical.Hash(hashed)
			if diff := cmp.Diff(want[:], hashed.Sum(nil)); diff != "" {
				t.Errorf("the hash is another text's: -want +got\n%s", diff)
			}
		})
	}
}

// nosy shows the names of volumes wherever it can, and counts their letters.
const nosy = `
policy: enabled
templates:
  sidecar: |
    metadata:
      annotations:
        {{- range .Spec.Volumes }}
        {{ .Name }}: {{ len .Name | quote }}
        {{- end }}
    spec:
      containers:
      - name: nosy
        image: nosy
        args: {{ structToJSON .Spec.Volumes | quote | list | toJson }}
`

// FuzzCanonical: the answer for a pod is the answer for its canonical form with
// what the API server made up written back, whatever else the pod says.
func FuzzCanonical(f *testing.F) {
	const made = `"managedFields":[{"manager":"kube-controller-manager","time":"2026-01-01T00:00:00Z"}],`
	for _, pod := range templates.Corpus() {
		text := string(pod)
		f.Add([]byte(strings.Replace(text, `"metadata":{`, `"metadata":{`+made, 1)))
		f.Add([]byte(strings.ReplaceAll(text, `"name":"`, `"name":"kube-api-access-bcdfg`)))
	}
	f.Add([]byte(`{"metadata":{"labels":{"sidecar.istio.io/inject":"false"},"managedFields":"x"},"spec":{"containers":[{"name":"a"}]}}`))
	f.Add([]byte(`{"metadata":{"annotations":{"a":"kube-api-access-bcdfg"},"managedFields":[1]},"spec":{"volumes":[{"name":"kube-api-access-00000"}]}}`))
	f.Add([]byte(`{"metadata":{"annotations":{"sidecar.istio.io/inject":"kube-api-access-bcdfg"}},"spec":{"hostNetwork":true}}`))
	f.Add([]byte(`{"metadata":{"name":"a","name":"b"},"spec":{"hostNetw\u006frk":true},"spec":{}}`))
	all := append(injectors(f, profiles[0]), injectors(f, profile{config: nosy})...)
	f.Fuzz(func(t *testing.T, pod []byte) {
		if !json.Valid(pod) {
			return // no review holds such a pod
		}
		for _, in := range all {
			sameAnswer(t, in, pod)
		}
	})
}

func sameAnswer(t *testing.T, in *inject.Injector, pod []byte) {
	t.Helper()
	request := inject.Request{Pod: pod, Namespace: inject.Namespace{Name: "shop"}}
	want, wrong := in.Inject(request)
	canonical := inject.Canonicalize(pod)
	request.Pod = canonical.Pod()
	got, err := in.Inject(request)
	if (wrong == nil) != (err == nil) {
		t.Fatalf("%s\n%v, and the canonical form: %v", pod, wrong, err)
	}
	if wrong != nil {
		return
	}
	answer := func(r inject.Result, c inject.Canonical) []any {
		patch, err := json.Marshal(r.Patch)
		if err != nil {
			t.Fatal(err)
		}
		return []any{c.RestoreDecision(r.Decision), string(c.RestoreBytes(patch)), c.RestoreStrings(r.Warnings)}
	}
	if diff := cmp.Diff(answer(want, inject.Canonical{}), answer(got, canonical)); diff != "" {
		t.Errorf("%s\n-as sent +canonical\n%s", pod, diff)
	}
}
