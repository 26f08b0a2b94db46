package webhook_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"runtime/metrics"
	"strings"
	"testing"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"

	"outrigger.dev/outrigger/charts"
	"outrigger.dev/outrigger/inject"
	"outrigger.dev/outrigger/internal/webhook"
	"outrigger.dev/outrigger/templates"
)

// Answering a review may take this much memory, all that is made and thrown away
// on the way counted: 16 MiB, and 512 bytes for each byte of the review. A
// larger one than 7 MiB is not read.
const (
	maxMemory        = 16 << 20
	maxMemoryPerByte = 512
)

// FuzzReviewBytes: whatever bytes come in, nothing panics, hangs or takes memory
// above the bound. What is no review is a 400, what is no pod a 500, and every
// other answer has the review's UID and version, a sentence where it refuses the
// pod, and a patch that applies to the pod where it has one.
func FuzzReviewBytes(f *testing.F) {
	for _, object := range templates.Corpus() {
		f.Add([]byte(strings.Replace(pod, `{"kind":"Pod","apiVersion":"v1","metadata":{"generateName":"web-"},"spec":{"containers":[]}}`, string(object), 1)))
	}
	f.Add([]byte(pod))
	f.Add([]byte(strings.Replace(pod, "admission.k8s.io/v1", "admission.k8s.io/v1beta1", 1)))
	f.Add([]byte(strings.Replace(pod, `"generateName":"web-"`, `"generateName":{"name":[]}`, 1)))
	f.Add([]byte(strings.Replace(pod, `"containers":[]`, strings.Repeat(`"a":[{`, 5000)+strings.Repeat(`}]`, 5000), 1)))
	for _, request := range []string{`null`, `{}`, `[]`, `{"uid":"\u0000\ud800"}`, `{"uid":"u","object":null}`, `{"uid":"u","subResource":"exec","object":{}}`} {
		f.Add([]byte(`{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":` + request + `}`))
	}
	in := shipped(f)
	reviews := webhook.NewReviews(func() webhook.Injector { return in }, webhook.Cluster{Namespaces: fakeNamespaces{cached: enabled}})
	h := &webhook.Handler{Reviewer: reviews, Revision: "canary", Log: slog.New(slog.DiscardHandler)}
	f.Fuzz(func(t *testing.T, body []byte) {
		before := allocated()
		response := post(h, string(body))
		took := allocated() - before
		if bound := uint64(maxMemory + maxMemoryPerByte*len(body)); took > bound {
			t.Errorf("took %d bytes of memory for %d, want at most %d", took, len(body), bound)
		}
		said, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		switch response.StatusCode {
		case http.StatusOK:
			answers(t, body, said)
		case http.StatusBadRequest:
		case http.StatusInternalServerError:
			if !strings.HasPrefix(string(said), "pod: ") {
				t.Errorf("a fault: %s", said)
			}
		default:
			t.Errorf("reply is %d", response.StatusCode)
		}
	})
}

// A question is what of a review is read by whoever checks the answer.
type question struct {
	APIVersion, Kind string
	Request          struct {
		UID    string
		Object json.RawMessage
	}
}

// An answer is what the API server looks at.
type answer struct {
	APIVersion, Kind string
	Response         struct {
		UID     string
		Allowed bool
		Patch   []byte
		Status  struct{ Message string }
	}
}

// answers holds a reply to being the answer to a review.
func answers(t *testing.T, body, said []byte) {
	t.Helper()
	var asked question
	if err := json.Unmarshal(body, &asked); err != nil {
		t.Fatalf("answered what is no review: %v", err)
	}
	var got answer
	if err := json.Unmarshal(said, &got); err != nil {
		t.Fatal(err)
	}
	if got.Response.UID != asked.Request.UID || got.APIVersion != asked.APIVersion || got.Kind != asked.Kind {
		t.Errorf("asked as %+v, answered as %+v", asked, got)
	}
	if !got.Response.Allowed && got.Response.Status.Message == "" {
		t.Errorf("refused without a word")
	}
	if len(got.Response.Patch) == 0 {
		return
	}
	patch, err := jsonpatch.DecodePatch(got.Response.Patch)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := patch.Apply(asked.Request.Object); err != nil {
		t.Errorf("the patch does not apply: %v\n%s", err, got.Response.Patch)
	}
}

// shipped is the configuration that Outrigger ships with.
func shipped(f *testing.F) *inject.Injector {
	f.Helper()
	config, values, mesh := charts.Default()
	in, err := inject.New(inject.Sources{Config: config, Values: values, Mesh: mesh}, inject.Settings{})
	if err != nil {
		f.Fatal(err)
	}
	return in
}

// enabled is a namespace whose pods are injected, whatever its name.
func enabled(name string) (inject.Namespace, bool) {
	return inject.Namespace{Name: name, Labels: map[string]string{"istio-injection": "enabled"}}, true
}

// allocated is how many bytes of memory this process has made so far.
func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
