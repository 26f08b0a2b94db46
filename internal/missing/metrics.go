package missing

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"outrigger.dev/outrigger/inject"
)

// Metrics are what a [Detector] counts. They have values only where one runs: of all
// replicas of a server, one.
type Metrics struct {
	pods, scanned *prometheus.GaugeVec
	scans         *prometheus.CounterVec
}

// NewMetrics registers the metrics.
func NewMetrics(registry prometheus.Registerer) *Metrics {
	m := &Metrics{
		pods: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "outrigger_missing_sidecar_pods",
			Help: "Pods that should have a sidecar and have none, by why they should.",
		}, []string{"reason"}),
		scanned: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "outrigger_missing_sidecar_scan_timestamp_seconds",
			Help: "When pods were last looked at for missing sidecars, as a Unix time.",
		}, nil),
		scans: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "outrigger_missing_sidecar_scans_total",
			Help: "Looks at all pods for missing sidecars, by result (done, failed).",
		}, []string{"result"}),
	}
	registry.MustRegister(m.pods, m.scanned, m.scans)
	return m
}

// done notes what a scan that ended at a time has found.
func (m *Metrics) done(by map[inject.Reason]int, at time.Time) {
	for _, c := range inject.Conditions() {
		if c.Inject != "" {
			m.pods.WithLabelValues(string(c.Reason)).Set(float64(by[c.Reason]))
		}
	}
	m.scanned.WithLabelValues().Set(float64(at.Unix()))
	m.scans.WithLabelValues("done").Inc()
}

func (m *Metrics) failed() { m.scans.WithLabelValues("failed").Inc() }

// forget leaves it to another replica to say how things are.
func (m *Metrics) forget() {
	m.pods.Reset()
	m.scanned.Reset()
}
