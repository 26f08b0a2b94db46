package webhook_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"outrigger.dev/outrigger/inject"
)

// The pod reaches inject as the API server wrote it: what no type of ours knows
// included, and no byte moved.
func TestHandlerHandsOnThePodUntouched(t *testing.T) {
	object := `{"metadata":{"name":"p", "futureField": [1.0, 1e3, 12345678901234567890]},"spec":{"containers":[ {"name":"a","new":{"x":null}} ]},"é":"\u00e9"}`
	var got inject.Request
	in := &fakeInjector{inject: func(r inject.Request) (inject.Result, error) {
		got = r
		return skipped(inject.PodLabel, ""), nil
	}}
	body := `{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","later":{},"request":{"uid":"u","later":1,` +
		`"kind":{"group":"","version":"v1","kind":"Pod"},"operation":"CREATE","namespace":"shop","object":` + object + `}}`
	if code := post(handler(in, io.Discard), body).StatusCode; code != http.StatusOK {
		t.Fatalf("reply is %d, want 200", code)
	}
	if diff := cmp.Diff(object, string(got.Pod)); diff != "" {
		t.Errorf("pod (-sent +handed on):\n%s", diff)
	}
	if got.Namespace.Name != "shop" {
		t.Errorf("namespace is %q, want shop", got.Namespace.Name)
	}
}
