package webhook

import (
	"context"
	"net/http"
	"strings"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"outrigger.dev/outrigger/inject"
)

// Traces make spans of reviews. Where the API server sends a traceparent, they are part
// of its trace. A span says what became of a pod, and has nothing of what is in it.
type Traces struct {
	provider trace.TracerProvider
	tracer   trace.Tracer
}

// NewTraces gives the spans to provider.
func NewTraces(provider trace.TracerProvider) *Traces {
	return &Traces{provider: provider, tracer: provider.Tracer("outrigger.dev/outrigger/internal/webhook")}
}

// Requests makes a span of each request that next answers, a refused one too.
func (t *Traces) Requests(next http.Handler) http.Handler {
	return otelhttp.NewHandler(next, "admission review",
		otelhttp.WithTracerProvider(t.provider),
		otelhttp.WithMeterProvider(noop.NewMeterProvider()), // it is measured by [Metrics]
		otelhttp.WithPropagators(propagation.TraceContext{}),
		otelhttp.WithSpanNameFormatter(func(name string, _ *http.Request) string { return name }),
	)
}

// Reviews says on the span of a request what next has decided.
func (t *Traces) Reviews(next Reviewer) Reviewer { return traced{next} }

type traced struct{ next Reviewer }

func (t traced) Review(ctx context.Context, review Review) (Answer, error) {
	answer, err := t.next.Review(ctx, review)
	span := trace.SpanFromContext(ctx)
	if !span.IsRecording() {
		return answer, err
	}
	span.SetAttributes(
		attribute.String("k8s.namespace.name", review.Namespace),
		attribute.String("outrigger.review.uid", review.UID),
		attribute.Bool("outrigger.review.dry_run", review.DryRun),
		attribute.String("outrigger.config", answer.Config),
	)
	if err != nil {
		span.RecordError(err)
		span.SetStatus(codes.Error, err.Error())
		return answer, err
	}
	span.SetAttributes(
		attribute.String("outrigger.decision", string(answer.Decision.Verdict)),
		attribute.String("outrigger.reason", string(answer.Decision.Reason)),
		attribute.String("outrigger.templates", strings.Join(answer.Decision.Templates, ",")),
		attribute.Bool("outrigger.recalled", answer.Recalled),
		attribute.Int("outrigger.patch.bytes", len(answer.Patch)),
		attribute.Int("outrigger.patch.operations", answer.Operations),
	)
	return answer, nil
}

// Timer makes a span of each step of an answer that is made, below that of the request,
// and tells next of it: it is for [Reviews], and a recalled answer has no steps.
func (t *Traces) Timer(next func(context.Context) func(inject.Phase)) func(context.Context) func(inject.Phase) {
	return func(ctx context.Context) func(inject.Phase) {
		passed := next(ctx)
		if !trace.SpanFromContext(ctx).IsRecording() {
			return passed
		}
		last := time.Now()
		return func(phase inject.Phase) {
			passed(phase)
			now := time.Now()
			_, span := t.tracer.Start(ctx, string(phase), trace.WithTimestamp(last))
			span.End(trace.WithTimestamp(now))
			last = now
		}
	}
}
