package webhook_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"gomodules.xyz/jsonpatch/v2"

	"outrigger.dev/outrigger/inject"
	"outrigger.dev/outrigger/internal/webhook"
)

// fakeInjector is a configuration that answers every pod alike.
type fakeInjector struct {
	inject      func(inject.Request) (inject.Result, error)
	faultPolicy string
}

func (f *fakeInjector) Inject(r inject.Request) (inject.Result, error) { return f.inject(r) }
func (f *fakeInjector) Skip(inject.Request) (inject.Result, bool)      { return inject.Result{}, false }
func (f *fakeInjector) Hash() string                                   { return "0123456789ab" }
func (f *fakeInjector) FaultPolicy() string                            { return f.faultPolicy }

// fakeNamespaces knows nothing, which is enough where the injector does not look.
type fakeNamespaces struct {
	cached func(name string) (inject.Namespace, bool)
	live   func(ctx context.Context, name string) (inject.Namespace, error)
}

func (f fakeNamespaces) Cached(name string) (inject.Namespace, bool) {
	if f.cached == nil {
		return inject.Namespace{Name: name}, true
	}
	return f.cached(name)
}

func (f fakeNamespaces) Live(ctx context.Context, name string) (inject.Namespace, error) {
	return f.live(ctx, name)
}

// answering is an injector that gives one result.
func answering(result inject.Result) *fakeInjector {
	return &fakeInjector{inject: func(inject.Request) (inject.Result, error) { return result, nil }}
}

// faulting is an injector that has a fault.
func faulting(faultPolicy string) *fakeInjector {
	return &fakeInjector{faultPolicy: faultPolicy, inject: func(inject.Request) (inject.Result, error) {
		return inject.Result{}, errors.New(`template "sidecar": does not render`)
	}}
}

// handler is the whole chain behind a port.
func handler(in webhook.Injector, log io.Writer) http.Handler {
	reviews := webhook.NewReviews(func() webhook.Injector { return in }, webhook.Cluster{Namespaces: fakeNamespaces{}})
	return &webhook.Handler{Reviewer: reviews, Revision: "canary", Log: slog.New(slog.NewTextHandler(log, nil))}
}

// pod is the review of a pod as the API server writes one.
const pod = `{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"u-1",
"kind":{"group":"","version":"v1","kind":"Pod"},"resource":{"group":"","version":"v1","resource":"pods"},
"namespace":"shop","operation":"CREATE","userInfo":{"username":"system:admin"},
"object":{"kind":"Pod","apiVersion":"v1","metadata":{"generateName":"web-"},"spec":{"containers":[]}},
"oldObject":null,"dryRun":false,"options":{}}}`

// post sends a body to a path and returns the whole reply.
func post(h http.Handler, body string, change ...func(*http.Request)) *http.Response {
	r := httptest.NewRequest(http.MethodPost, "/inject?timeout=10s", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	for _, c := range change {
		c(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

// reply is what of a reply is compared: all that the API server looks at.
type reply struct {
	Code        int
	ContentType string
	RetryAfter  string
	Body        string
}

func read(t *testing.T, r *http.Response) reply {
	t.Helper()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{r.StatusCode, r.Header.Get("Content-Type"), r.Header.Get("Retry-After"), string(body)}
}

func asJSON(body string) reply {
	return reply{Code: http.StatusOK, ContentType: "application/json", Body: body}
}

func asText(code int, body string) reply {
	return reply{Code: code, ContentType: "text/plain; charset=utf-8", Body: body + "\n"}
}

var injected = inject.Result{
	Decision: inject.Decision{
		Verdict: inject.Inject, Reason: inject.Policy, Sentence: "the policy is enabled", Templates: []string{"sidecar", "extra"},
	},
	Patch:    []inject.Operation{jsonpatch.NewOperation("add", "/metadata/labels", map[string]any{"a": "b"})},
	Warnings: []string{"port 15001 is taken by the proxy", strings.Repeat("é", 100)},
}

func skipped(reason inject.Reason, sentence string) inject.Result {
	return inject.Result{Decision: inject.Decision{Verdict: inject.Skip, Reason: reason, Sentence: sentence}, Patch: []inject.Operation{}}
}
