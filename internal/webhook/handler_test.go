package webhook_test

import (
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"outrigger.dev/outrigger/inject"
	"outrigger.dev/outrigger/internal/webhook"
)

// The rows of the outcome table over Handler.
func TestHandlerAnswersEveryOutcome(t *testing.T) {
	denied := inject.Result{Decision: inject.Decision{
		Verdict: inject.Deny, Reason: inject.UnknownTemplate, Sentence: `template "x" is not one of sidecar`,
	}}
	unchanged := injected
	unchanged.Patch, unchanged.Warnings = []inject.Operation{}, nil

	type outcome struct {
		in     webhook.Injector
		body   string
		change func(*http.Request)
		want   reply
	}
	for name, c := range map[string]outcome{
		"inject: the patch, what is warned of, cut to length, and what is audited": {
			in: answering(injected),
			want: asJSON(`{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","response":{"uid":"u-1","allowed":true,` +
				`"patch":"W3sib3AiOiJhZGQiLCJwYXRoIjoiL21ldGFkYXRhL2xhYmVscyIsInZhbHVlIjp7ImEiOiJiIn19XQ==","patchType":"JSONPatch",` +
				`"auditAnnotations":{"config":"0123456789ab","decision":"inject","patch-bytes":"58","reason":"policy","revision":"canary","templates":"sidecar,extra"},` +
				`"warnings":["port 15001 is taken by the proxy","` + strings.Repeat("é", 58) + `…"]}}`),
		},
		"inject without anything to change: neither patch nor patchType": {
			in: answering(unchanged),
			want: asJSON(`{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","response":{"uid":"u-1","allowed":true,` +
				`"auditAnnotations":{"config":"0123456789ab","decision":"inject","patch-bytes":"0","reason":"policy","revision":"canary","templates":"sidecar,extra"}}}`),
		},
		"skip that the pod asked for: no warning": {
			in: answering(skipped(inject.PodLabel, "the pod's label says false")),
			want: asJSON(`{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","response":{"uid":"u-1","allowed":true,` +
				`"auditAnnotations":{"config":"0123456789ab","decision":"skip","patch-bytes":"0","reason":"pod-label","revision":"canary"}}}`),
		},
		"skip that nobody asked for: a warning": {
			in: answering(skipped(inject.HostNetwork, "the pod uses the host's network")),
			want: asJSON(`{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","response":{"uid":"u-1","allowed":true,` +
				`"auditAnnotations":{"config":"0123456789ab","decision":"skip","patch-bytes":"0","reason":"host-network","revision":"canary"},` +
				`"warnings":["no sidecar: the pod uses the host's network"]}}`),
		},
		"deny: refused with the sentence": {
			in: answering(denied),
			want: asJSON(`{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","response":{"uid":"u-1","allowed":false,` +
				`"status":{"metadata":{},"status":"Failure","message":"template \"x\" is not one of sidecar","reason":"Invalid","code":422},` +
				`"auditAnnotations":{"config":"0123456789ab","decision":"deny","patch-bytes":"0","reason":"unknown-template","revision":"canary"}}}`),
		},
		"fault: failurePolicy decides": {
			in:   faulting(""),
			want: asText(http.StatusInternalServerError, `template "sidecar": does not render`),
		},
		"fault under faultPolicy ignore: let through with a warning": {
			in: faulting("ignore"),
			want: asJSON(`{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","response":{"uid":"u-1","allowed":true,` +
				`"auditAnnotations":{"config":"0123456789ab","decision":"fault","patch-bytes":"0","reason":"fault","revision":"canary"},` +
				`"warnings":["no sidecar was injected: template \"sidecar\": does not render"]}}`),
		},
		"fault under faultPolicy deny: refused": {
			in: faulting("deny"),
			want: asJSON(`{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","response":{"uid":"u-1","allowed":false,` +
				`"status":{"metadata":{},"status":"Failure","message":"template \"sidecar\": does not render","reason":"InternalError","code":500},` +
				`"auditAnnotations":{"config":"0123456789ab","decision":"fault","patch-bytes":"0","reason":"fault","revision":"canary"}}}`),
		},
		"panic: a fault like any other": {
			in:   &fakeInjector{inject: func(inject.Request) (inject.Result, error) { panic("index out of range") }},
			want: asText(http.StatusInternalServerError, "panic: index out of range"),
		},
		"no configuration yet: a fault": {
			want: asText(http.StatusInternalServerError, "no configuration is in force"),
		},
		"v1beta1 is answered in kind": {
			in:   answering(skipped(inject.PodLabel, "")),
			body: strings.Replace(pod, "admission.k8s.io/v1", "admission.k8s.io/v1beta1", 1),
			want: asJSON(`{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1beta1","response":{"uid":"u-1","allowed":true,` +
				`"auditAnnotations":{"config":"0123456789ab","decision":"skip","patch-bytes":"0","reason":"pod-label","revision":"canary"}}}`),
		},
		"another kind: allowed as it is": {
			in:   answering(injected),
			body: strings.Replace(pod, `"kind":"Pod"},`, `"kind":"Service"},`, 1),
			want: asJSON(`{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","response":{"uid":"u-1","allowed":true}}`),
		},
		"a review that names neither kind nor operation is about a new pod": {
			in:   answering(skipped(inject.PodLabel, "")),
			body: `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"u-1","namespace":"shop","object":{"metadata":{}}}}`,
			want: asJSON(`{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","response":{"uid":"u-1","allowed":true,` +
				`"auditAnnotations":{"config":"0123456789ab","decision":"skip","patch-bytes":"0","reason":"pod-label","revision":"canary"}}}`),
		},
		"another operation: allowed as it is": {
			in:   answering(injected),
			body: strings.Replace(pod, "CREATE", "UPDATE", 1),
			want: asJSON(`{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","response":{"uid":"u-1","allowed":true}}`),
		},
		"a subresource: allowed as it is": {
			in:   answering(injected),
			body: strings.Replace(pod, `"operation"`, `"subResource":"ephemeralcontainers","operation"`, 1),
			want: asJSON(`{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","response":{"uid":"u-1","allowed":true}}`),
		},
		"a content type with a character set is JSON still": {
			in:     answering(skipped(inject.PodLabel, "")),
			change: func(r *http.Request) { r.Header.Set("Content-Type", "Application/JSON; charset=utf-8") },
			want: asJSON(`{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","response":{"uid":"u-1","allowed":true,` +
				`"auditAnnotations":{"config":"0123456789ab","decision":"skip","patch-bytes":"0","reason":"pod-label","revision":"canary"}}}`),
		},
		"not JSON": {
			body: "kind: AdmissionReview",
			want: asText(http.StatusBadRequest, "body: invalid character 'k' looking for beginning of value, want an AdmissionReview"),
		},
		"nothing at all": {
			body: " ",
			want: asText(http.StatusBadRequest, "body: unexpected end of JSON input, want an AdmissionReview"),
		},
		"half of a review": {
			body: pod[:len(pod)/2],
			want: asText(http.StatusBadRequest, "body: unexpected end of JSON input, want an AdmissionReview"),
		},
		"nested deeper than anybody reads": {
			body: strings.Repeat(`{"request":`, 20000),
			want: asText(http.StatusBadRequest, "body: invalid character '{' exceeded max depth, want an AdmissionReview"),
		},
		"not a review": {
			body: `{"kind":"Pod","apiVersion":"v1"}`,
			want: asText(http.StatusBadRequest, `body: is a "Pod" of "v1", want an AdmissionReview of admission.k8s.io/v1`),
		},
		"a review of another time": {
			body: `{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v2","request":{"uid":"u-1"}}`,
			want: asText(http.StatusBadRequest, `body: is a "AdmissionReview" of "admission.k8s.io/v2", want an AdmissionReview of admission.k8s.io/v1`),
		},
		"a review without a request": {
			body: `{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1"}`,
			want: asText(http.StatusBadRequest, "review: has no request"),
		},
		"a request for a pod without one": {
			body: strings.Replace(pod, `"object":{"kind":"Pod"`, `"object":null,"x":{"kind":"Pod"`, 1),
			want: asText(http.StatusBadRequest, "review: the request has no object"),
		},
		"another method": {
			change: func(r *http.Request) { r.Method = http.MethodGet },
			want:   asText(http.StatusMethodNotAllowed, `method "GET": want POST`),
		},
		"another content type": {
			change: func(r *http.Request) { r.Header.Set("Content-Type", "application/yaml") },
			want:   asText(http.StatusUnsupportedMediaType, `content type "application/yaml": want application/json`),
		},
		"no content type": {
			change: func(r *http.Request) { r.Header.Del("Content-Type") },
			want:   asText(http.StatusUnsupportedMediaType, `content type "": want application/json`),
		},
		"too large": {
			body: pod + strings.Repeat(" ", 7<<20),
			want: asText(http.StatusRequestEntityTooLarge, "body: want at most 7340032 bytes"),
		},
		"broken off on the way": {
			change: func(r *http.Request) { r.Body = io.NopCloser(io.MultiReader(strings.NewReader(pod[:20]), brokenOff{})) },
			want:   asText(http.StatusBadRequest, "body: unexpected EOF"),
		},
	} {
		t.Run(name, func(t *testing.T) {
			if c.body == "" {
				c.body = pod
			}
			change := func(r *http.Request) {}
			if c.change != nil {
				change = c.change
			}
			got := read(t, post(handler(c.in, io.Discard), c.body, change))
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("reply (-want +got):\n%s", diff)
			}
		})
	}
}

type brokenOff struct{}

func (brokenOff) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestHandlerTurnsAwayWhatItCannotGetTo(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	in := &fakeInjector{inject: func(inject.Request) (inject.Result, error) {
		entered <- struct{}{}
		<-leave
		return skipped(inject.PodLabel, ""), nil
	}}
	reviews := webhook.NewReviews(func() webhook.Injector { return in }, webhook.Cluster{Namespaces: fakeNamespaces{}})
	h := &webhook.Handler{Reviewer: webhook.Bounded(reviews, 1), Log: slog.New(slog.DiscardHandler)}

	first := make(chan int)
	go func() { first <- post(h, pod).StatusCode }()
	<-entered
	want := asText(http.StatusTooManyRequests, "too many reviews at a time")
	want.RetryAfter = "1"
	if diff := cmp.Diff(want, read(t, post(h, pod))); diff != "" {
		t.Errorf("reply beyond the bound (-want +got):\n%s", diff)
	}
	close(leave)
	if code := <-first; code != http.StatusOK {
		t.Errorf("the review that had a place got %d, want 200", code)
	}
	go func() { <-entered }()
	if code := post(h, pod).StatusCode; code != http.StatusOK {
		t.Errorf("the review after the place was free got %d, want 200", code)
	}
}
