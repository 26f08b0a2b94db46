package webhook

import (
	"github.com/prometheus/client_golang/prometheus"

	"outrigger.dev/outrigger/inject"
)

// istioMetrics are those of Istio's injector, by Istio's names
// (pkg/kube/inject/monitoring.go), for dashboards that ask for them. They count what
// their names say: of every request one of success (a sidecar was injected), skip and
// failure (refused, or a fault). Istio's success counts the other two as well.
type istioMetrics struct {
	requests, success, failure, skip prometheus.Counter
	seconds                          prometheus.Histogram
}

func newIstioMetrics() istioMetrics {
	counter := func(what, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: "sidecar_injection_" + what + "_total", Help: help})
	}
	return istioMetrics{
		requests: counter("requests", "By Istio's name: pods that were decided about."),
		success:  counter("success", "By Istio's name: pods that were injected."),
		failure:  counter("failure", "By Istio's name: pods that were refused, and faults."),
		skip:     counter("skip", "By Istio's name: pods that were skipped."),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "sidecar_injection_time_seconds", Help: "By Istio's name and in its buckets: time of a decision.",
			Buckets: []float64{.1, 1, 3, 5, 10, 20, 30, 60},
		}),
	}
}

func (m istioMetrics) register(registry prometheus.Registerer) {
	registry.MustRegister(m.requests, m.success, m.failure, m.skip, m.seconds)
}

func (m istioMetrics) count(decision string, seconds float64) {
	m.requests.Inc()
	m.seconds.Observe(seconds)
	switch inject.Verdict(decision) {
	case inject.Inject:
		m.success.Inc()
	case inject.Skip:
		m.skip.Inc()
	default:
		m.failure.Inc()
	}
}
