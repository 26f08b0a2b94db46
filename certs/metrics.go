package certs

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics are what a [Keeper] or a [Given] says of itself at the moment when they are
// collected. They are a prometheus.Collector.
type Metrics struct {
	Of interface {
		Ready(now time.Time) error
		Status() Status
	}
}

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("outrigger_"+name, help, labels, nil)
}

var (
	leafExpiry = describe("certificate_expiry_timestamp_seconds",
		"When the serving certificate expires, in seconds since 1970.")
	leavesServed = describe("certificate_served_total",
		"Serving certificates since the start: the first and every renewal.")
	leavesRefused = describe("certificate_refused_total",
		"Serving certificates from files or cert-manager that were not usable: torn, expired, or of another authority.")
	authorityExpiry = describe("authority_expiry_timestamp_seconds",
		"When the authority that signs expires, in seconds since 1970.")
	rotationPhase = describe("authority_rotation_phase",
		"1 for how far a change of the authority is: settled (none under way), announced, retiring.", "phase")
	bundleInSync = describe("ca_bundle_in_sync",
		"1 while the API server accepts the serving certificate in every entry of our webhook configurations.")
	bundleNotOurs = describe("ca_bundle_not_ours",
		"1 while a caBundle that has to be written belongs to another field manager.")
)

// Describe is for prometheus.Collector.
func (m Metrics) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{leafExpiry, leavesServed, leavesRefused, authorityExpiry, rotationPhase, bundleInSync, bundleNotOurs} {
		to <- d
	}
}

// Collect is for prometheus.Collector. What is not known or does not apply has no value.
func (m Metrics) Collect(to chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	status := m.Of.Status()
	to <- prometheus.MustNewConstMetric(leavesServed, prometheus.CounterValue, float64(status.Served))
	to <- prometheus.MustNewConstMetric(leavesRefused, prometheus.CounterValue, float64(status.Refused))
	if status.Leaf != nil {
		gauge(leafExpiry, float64(status.Leaf.NotAfter.Unix()))
	}
	if status.Unchecked == "" {
		gauge(bundleInSync, one(m.Of.Ready(time.Now()) == nil))
	}
	if status.Authority == nil {
		return
	}
	gauge(authorityExpiry, float64(status.Authority.NotAfter.Unix()))
	gauge(bundleNotOurs, one(errors.Is(status.Fault, ErrNotOurs)))
	for _, phase := range Phases {
		gauge(rotationPhase, one(phase == status.Phase), string(phase))
	}
}

// one is 1 for true.
func one(is bool) float64 {
	if is {
		return 1
	}
	return 0
}
