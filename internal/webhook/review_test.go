package webhook_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
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

// Whatever comes in, nothing panics, and an answered review has its UID.
func FuzzReview(f *testing.F) {
	f.Add([]byte(pod))
	f.Add([]byte(strings.Replace(pod, "admission.k8s.io/v1", "admission.k8s.io/v1beta1", 1)))
	f.Add([]byte(`{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"\u0000\ud800"}}`))
	f.Add([]byte(`{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":null}`))
	f.Add([]byte(strings.Replace(pod, `"generateName":"web-"`, `"generateName":{"name":[]}`, 1)))
	h := handler(answering(injected), io.Discard)
	f.Fuzz(func(t *testing.T, body []byte) {
		response := post(h, string(body))
		switch response.StatusCode {
		case http.StatusBadRequest, http.StatusRequestEntityTooLarge:
			return
		case http.StatusOK:
		default:
			t.Fatalf("reply is %d", response.StatusCode)
		}
		type review struct {
			APIVersion, Kind  string
			Request, Response struct{ UID string }
		}
		var asked, answered review
		if err := json.Unmarshal(body, &asked); err != nil {
			t.Fatalf("answered what is no review: %v", err)
		}
		if err := json.NewDecoder(response.Body).Decode(&answered); err != nil {
			t.Fatal(err)
		}
		if answered.Response.UID != asked.Request.UID || answered.APIVersion != asked.APIVersion || answered.Kind != asked.Kind {
			t.Errorf("asked as %+v, answered as %+v", asked, answered)
		}
	})
}
