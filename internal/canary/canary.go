// Package canary asks the API server again and again whether it reaches the webhook, and
// makes metrics of what comes of it.
package canary

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"outrigger.dev/outrigger/internal/cluster"
)

const (
	// every is how often the API server is asked, and patience how long it may take:
	// longer than a webhook may.
	every    = 30 * time.Second
	patience = 35 * time.Second
)

// A Canary calls and counts. What comes of it is a metric and never readiness: before there
// is a replica that is ready the API server reaches none.
type Canary struct {
	call     func(context.Context) error
	log      *slog.Logger
	calls    *prometheus.CounterVec
	answered prometheus.Gauge
	seconds  prometheus.Histogram
}

// results are what a call may come to, by its error.
var results = []struct {
	err    error
	result string
}{{cluster.ErrUnreachable, "unreachable"}, {cluster.ErrNotCalled, "not-called"}, {cluster.ErrRefused, "refused"}}

// New makes one of what calls through the API server, with errors as [cluster.Canary] has
// them. Its metrics are registered; it does nothing before it runs.
func New(call func(context.Context) error, registry prometheus.Registerer, log *slog.Logger) *Canary {
	c := &Canary{
		call: call, log: log,
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "outrigger_canary_calls_total",
			Help: "Dry runs of a pod through the API server, by result (answered, unreachable, not-called, refused).",
		}, []string{"result"}),
		answered: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "outrigger_canary_answered",
			Help: "1 if the webhook answered in the last dry run through the API server.",
		}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "outrigger_canary_duration_seconds",
			Help:    "Time of a dry run through the API server.",
			Buckets: []float64{5e-3, 10e-3, 25e-3, 50e-3, 100e-3, 250e-3, 500e-3, 1, 2.5, 5, 10, 30},
		}),
	}
	registry.MustRegister(c.calls, c.answered, c.seconds)
	return c
}

// Run calls until ctx ends.
func (c *Canary) Run(ctx context.Context) {
	said := "answered"
	for {
		result, err := c.once(ctx)
		if ctx.Err() != nil {
			return
		}
		if result != said && err != nil {
			c.log.Warn("canary was not answered", "err", err)
		} else if result != said {
			c.log.Info("canary is answered")
		}
		said = result
		select {
		case <-ctx.Done():
			return
		case <-time.After(every):
		}
	}
}

// once calls and counts, unless ctx ends meanwhile.
func (c *Canary) once(ctx context.Context) (result string, err error) {
	calling, done := context.WithTimeout(ctx, patience)
	defer done()
	began := time.Now()
	err = c.call(calling)
	if ctx.Err() != nil {
		return "", err
	}
	result = "answered"
	for _, of := range results {
		if errors.Is(err, of.err) {
			result = of.result
		}
	}
	c.calls.WithLabelValues(result).Inc()
	c.answered.Set(one(err == nil))
	c.seconds.Observe(time.Since(began).Seconds())
	return result, err
}

// one is 1 for true.
func one(is bool) float64 {
	if is {
		return 1
	}
	return 0
}
