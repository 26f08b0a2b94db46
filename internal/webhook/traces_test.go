package webhook_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"gomodules.xyz/jsonpatch/v2"

	"outrigger.dev/outrigger/inject"
	"outrigger.dev/outrigger/internal/webhook"
)

// parent is what an API server that traces sends along.
const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

// Spans are part of the API server's trace, say what was decided, and have the steps of
// an answer that was made below them. Of the pod they have nothing.
func TestTraces(t *testing.T) {
	injected := inject.Result{
		Decision: inject.Decision{Verdict: inject.Inject, Reason: inject.Policy, Templates: []string{"sidecar", "more"}},
		Patch:    []inject.Operation{jsonpatch.NewOperation("add", "/metadata/labels", map[string]any{"secret": "s3cret"})},
	}
	stepping := &fakeInjector{inject: func(r inject.Request) (inject.Result, error) {
		for _, phase := range []inject.Phase{inject.Decoded, inject.Decided, inject.Patched} {
			r.Passed(phase)
		}
		return injected, nil
	}}
	spans := tracetest.NewInMemoryExporter()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans))
	traces := webhook.NewTraces(provider)
	ask := func(in webhook.Injector, times int, body string) []string {
		t.Helper()
		spans.Reset()
		reviews := webhook.NewReviews(func() webhook.Injector { return in }, webhook.Cluster{Namespaces: fakeNamespaces{}})
		reviews.Timer = traces.Timer(func(context.Context) func(inject.Phase) { return func(inject.Phase) {} })
		h := traces.Requests(&webhook.Handler{Reviewer: traces.Reviews(reviews), Log: slog.New(slog.DiscardHandler)})
		for range times {
			_, _ = io.Copy(io.Discard, post(h, body, func(r *http.Request) { r.Header.Set("traceparent", parent) }).Body)
		}
		return told(t, spans.GetSpans())
	}
	request := "admission review < b7ad6b7169203331 dry_run=false decision=inject reason=policy templates=sidecar,more recalled=%t operations=1"
	for name, tc := range map[string]struct {
		in    webhook.Injector
		times int
		body  string
		want  []string
	}{
		"an answer that is made, and one that is recalled": {
			in: stepping, times: 2, body: pod,
			want: []string{
				"decode < admission review", "decide < admission review", "patch < admission review",
				fmt.Sprintf(request, false), fmt.Sprintf(request, true),
			},
		},
		"a fault": {
			in: faulting(""), times: 1, body: pod,
			want: []string{`admission review < b7ad6b7169203331 dry_run=false Error 1`},
		},
		"what is no review": {
			in: stepping, times: 1, body: "nonsense",
			want: []string{"admission review < b7ad6b7169203331 400"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, ask(tc.in, tc.times, tc.body)); diff != "" {
				t.Errorf("spans (-want +got):\n%s", diff)
			}
		})
	}
}

// A review that the API server does not trace makes no spans where the sampler leaves it
// to the API server.
func TestUntracedReviewsCostNoSpans(t *testing.T) {
	spans := tracetest.NewInMemoryExporter()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans), sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.NeverSample())))
	traces := webhook.NewTraces(provider)
	reviews := webhook.NewReviews(func() webhook.Injector { return faulting("") }, webhook.Cluster{Namespaces: fakeNamespaces{}})
	h := traces.Requests(&webhook.Handler{Reviewer: traces.Reviews(reviews), Log: slog.New(slog.DiscardHandler)})
	post(h, pod)
	if got := spans.GetSpans(); len(got) != 0 {
		t.Errorf("%d spans, want none", len(got))
	}
}

// told is a line a span: its name, what it is below, and those of its attributes that
// do not depend on time or on HTTP. No attribute may hold what is in the pod.
func told(t *testing.T, spans tracetest.SpanStubs) []string {
	t.Helper()
	names := map[string]string{}
	for _, s := range spans {
		names[s.SpanContext.SpanID().String()] = s.Name
	}
	var lines []string
	for _, s := range spans {
		below := s.Parent.SpanID().String()
		if name, ok := names[below]; ok {
			below = name
		}
		line := s.Name + " < " + below
		if got := s.SpanContext.TraceID().String(); got != strings.Split(parent, "-")[1] {
			t.Errorf("%s is of trace %s, want the API server's", line, got)
		}
		for _, a := range s.Attributes {
			value := a.Value.String()
			if strings.Contains(value, "s3cret") {
				t.Errorf("%s: %s has what is in the pod", line, a.Key)
			}
			key := string(a.Key)[strings.LastIndex(string(a.Key), ".")+1:]
			switch key {
			case "decision", "reason", "templates", "recalled", "operations", "dry_run":
				line += " " + key + "=" + value
			case "status_code":
				if value != "200" && value != "500" {
					line += " " + value
				}
			}
		}
		if s.Status.Code == codes.Error {
			line += fmt.Sprintf(" Error %d", len(s.Events))
		}
		lines = append(lines, line)
	}
	return lines
}
