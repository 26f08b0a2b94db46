package webhook

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"outrigger.dev/outrigger/inject"
)

// Metrics are the server's own. Labels take values from fixed lists only:
// nothing that a user can write becomes one.
type Metrics struct {
	requests   *prometheus.CounterVec
	seconds    prometheus.Histogram
	steps      map[inject.Phase]prometheus.Observer
	patchBytes prometheus.Histogram
	operations prometheus.Histogram
	answers    *prometheus.CounterVec
	inFlight   prometheus.Gauge
	shed       prometheus.Counter
	replies    *prometheus.CounterVec

	reloads *prometheus.CounterVec
	refused prometheus.Gauge
	config  *prometheus.GaugeVec

	istio istioMetrics
}

// phases are the steps that are timed.
var phases = []inject.Phase{inject.Decoded, inject.Decided, inject.Rendered, inject.Merged, inject.Finished, inject.Patched}

// durations are the buckets of times: 50 µs to 5 s.
var durations = []float64{
	50e-6, 100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 50e-3, 100e-3, 250e-3, 500e-3, 1, 2.5, 5,
}

// NewMetrics makes the metrics and registers them.
func NewMetrics(registry prometheus.Registerer) *Metrics {
	m := &Metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "outrigger_admission_requests_total",
			Help: "Pods that were decided about, by decision (inject, skip, deny, fault) and reason.",
		}, []string{"decision", "reason", "dry_run"}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "outrigger_admission_duration_seconds",
			Help:    "Time from a review read to its answer made.",
			Buckets: durations,
		}),
		patchBytes: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "outrigger_admission_patch_bytes",
			Help:    "Size of the patch of a pod that gets one.",
			Buckets: prometheus.ExponentialBuckets(512, 2, 10),
		}),
		operations: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "outrigger_admission_patch_operations",
			Help:    "Operations in the patch of a pod that gets one.",
			Buckets: []float64{1, 2, 5, 10, 20, 50, 100},
		}),
		istio: newIstioMetrics(),
		answers: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "outrigger_admission_answers_total",
			Help: "Answers by where they came from: made for the pod, or recalled from another pod of its workload.",
		}, []string{"from"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "outrigger_admission_in_flight",
			Help: "Reviews that are being worked on.",
		}),
		shed: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "outrigger_admission_shed_total",
			Help: "Reviews that were turned away because too many, or too many large ones, were being worked on.",
		}),
		replies: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "outrigger_webhook_replies_total",
			Help: "Replies on the webhook's port by HTTP status.",
		}, []string{"code"}),
		reloads: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "outrigger_configuration_reloads_total",
			Help: "Versions of the configuration that were read, by result (accepted, refused).",
		}, []string{"result"}),
		refused: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "outrigger_configuration_refused",
			Help: "1 while the newest version of the configuration is refused and an older one is in force.",
		}),
		config: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "outrigger_configuration_info",
			Help: "1 for the configuration in force.",
		}, []string{"hash", "revision"}),
	}
	steps := m.timeSteps()
	registry.MustRegister(m.requests, m.seconds, steps, m.patchBytes, m.operations, m.answers, m.inFlight, m.shed, m.replies, m.reloads, m.refused, m.config)
	m.istio.register(registry)
	return m
}

// timeSteps makes the histogram of the steps, and an observer of it for each.
func (m *Metrics) timeSteps() prometheus.Collector {
	steps := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "outrigger_admission_step_duration_seconds",
		Help:    "Time of a step (decode, decide, render, merge, finish, patch) of an answer that was made, not recalled.",
		Buckets: durations,
	}, []string{"step"})
	m.steps = map[inject.Phase]prometheus.Observer{}
	for _, phase := range phases {
		m.steps[phase] = steps.WithLabelValues(string(phase))
	}
	return steps
}

// Measured returns a Reviewer that counts and times what next does.
func Measured(next Reviewer, m *Metrics) Reviewer {
	return &measured{next: next, metrics: m}
}

type measured struct {
	next    Reviewer
	metrics *Metrics
}

func (d *measured) Review(ctx context.Context, review Review) (Answer, error) {
	m := d.metrics
	m.inFlight.Inc()
	defer m.inFlight.Dec()
	began := time.Now()
	answer, err := d.next.Review(ctx, review)
	if errors.Is(err, ErrOverload) {
		return answer, err
	}
	took := time.Since(began).Seconds()
	m.seconds.Observe(took)
	decision, reason := string(answer.Decision.Verdict), answer.Decision.Reason
	if err != nil {
		decision, reason = "fault", inject.Fault
	}
	m.requests.WithLabelValues(decision, string(reason), strconv.FormatBool(review.DryRun)).Inc()
	m.istio.count(decision, took)
	if err == nil {
		from := "made"
		if answer.Recalled {
			from = "recalled"
		}
		m.answers.WithLabelValues(from).Inc()
	}
	if len(answer.Patch) > 0 {
		m.patchBytes.Observe(float64(len(answer.Patch)))
		m.operations.Observe(float64(answer.Operations))
	}
	return answer, err
}

// Timer times the steps of one pod, from now on: it is for [Reviews].
func (m *Metrics) Timer(context.Context) func(inject.Phase) {
	last := time.Now()
	return func(passed inject.Phase) {
		now := time.Now()
		m.steps[passed].Observe(now.Sub(last).Seconds())
		last = now
	}
}

// Shed counts a review that was turned away: it is for [Handler].
func (m *Metrics) Shed() { m.shed.Inc() }

// Replies counts what next replies, by HTTP status.
func (m *Metrics) Replies(next http.Handler) http.Handler {
	return promhttp.InstrumentHandlerCounter(m.replies, next)
}

// Configured notes that a version of the configuration was read, and what is in
// force since: hash is "" where nothing is.
func (m *Metrics) Configured(hash, revision string, refused bool) {
	result := "accepted"
	m.refused.Set(0)
	if refused {
		result = "refused"
		m.refused.Set(1)
	}
	m.reloads.WithLabelValues(result).Inc()
	m.config.Reset()
	if hash != "" {
		m.config.WithLabelValues(hash, revision).Set(1)
	}
}
