package webhook_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"outrigger.dev/outrigger/inject"
	"outrigger.dev/outrigger/internal/webhook"
)

// full is a Reviewer without a place left.
type full struct{}

func (full) Review(context.Context, webhook.Review) (webhook.Answer, error) {
	return webhook.Answer{}, webhook.ErrOverload
}

func TestMetricsCountWhatWasDecided(t *testing.T) {
	registry := prometheus.NewRegistry()
	metrics := webhook.NewMetrics(registry)
	serve := func(next webhook.Reviewer, body string) {
		h := metrics.Replies(&webhook.Handler{
			Reviewer: webhook.Measured(next, metrics), Log: slog.New(slog.DiscardHandler), Shed: metrics.Shed,
		})
		_, _ = io.Copy(io.Discard, post(h, body).Body)
	}
	for _, c := range []struct {
		in    webhook.Injector
		times int
	}{
		{answering(injected), 2}, {answering(skipped(inject.HostNetwork, "")), 1}, {faulting(""), 1}, {faulting("ignore"), 1},
	} {
		reviews := webhook.NewReviews(func() webhook.Injector { return c.in }, webhook.Cluster{Namespaces: fakeNamespaces{}})
		for range c.times {
			serve(reviews, pod)
		}
	}
	serve(full{}, pod)
	serve(full{}, "nonsense")
	passed := metrics.Timer(t.Context())
	for _, phase := range []inject.Phase{inject.Decoded, inject.Decided, inject.Rendered, inject.Merged, inject.Finished, inject.Patched} {
		passed(phase)
	}
	metrics.Configured("aaaaaaaaaaaa", "default", false)
	metrics.Configured("aaaaaaaaaaaa", "default", true)

	want := []string{
		`outrigger_admission_answers_total{from="made"} 2`,
		`outrigger_admission_answers_total{from="recalled"} 1`,
		`outrigger_admission_duration_seconds_count 5`,
		`outrigger_admission_in_flight 0`,
		`outrigger_admission_patch_bytes_sum 116`,
		`outrigger_admission_patch_bytes_count 2`,
		`outrigger_admission_patch_operations_sum 2`,
		`outrigger_admission_patch_operations_count 2`,
		`outrigger_admission_requests_total{decision="fault",dry_run="false",reason="fault"} 2`,
		`outrigger_admission_requests_total{decision="inject",dry_run="false",reason="policy"} 2`,
		`outrigger_admission_requests_total{decision="skip",dry_run="false",reason="host-network"} 1`,
		`outrigger_admission_shed_total 1`,
		`outrigger_admission_step_duration_seconds_count{step="decide"} 1`,
		`outrigger_admission_step_duration_seconds_count{step="decode"} 1`,
		`outrigger_admission_step_duration_seconds_count{step="finish"} 1`,
		`outrigger_admission_step_duration_seconds_count{step="merge"} 1`,
		`outrigger_admission_step_duration_seconds_count{step="patch"} 1`,
		`outrigger_admission_step_duration_seconds_count{step="render"} 1`,
		`outrigger_configuration_info{hash="aaaaaaaaaaaa",revision="default"} 1`,
		`outrigger_configuration_refused 1`,
		`outrigger_configuration_reloads_total{result="accepted"} 1`,
		`outrigger_configuration_reloads_total{result="refused"} 1`,
		`outrigger_webhook_replies_total{code="200"} 4`,
		`outrigger_webhook_replies_total{code="400"} 1`,
		`outrigger_webhook_replies_total{code="429"} 1`,
		`outrigger_webhook_replies_total{code="500"} 1`,
		`sidecar_injection_failure_total 2`,
		`sidecar_injection_requests_total 5`,
		`sidecar_injection_skip_total 1`,
		`sidecar_injection_success_total 2`,
		`sidecar_injection_time_seconds_count 5`,
	}
	if diff := cmp.Diff(want, scrape(registry)); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
}

// scrape is what Prometheus would read, without what depends on time: comments,
// buckets and the sum of durations.
func scrape(registry prometheus.Gatherer) []string {
	w := httptest.NewRecorder()
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	return slices.DeleteFunc(strings.Split(strings.TrimSpace(w.Body.String()), "\n"), func(line string) bool {
		return strings.HasPrefix(line, "#") || strings.Contains(line, "_bucket{") || strings.Contains(line, "_seconds_sum")
	})
}
