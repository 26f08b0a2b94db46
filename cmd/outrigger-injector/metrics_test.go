package main

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"outrigger.dev/outrigger/certs"
	"outrigger.dev/outrigger/internal/canary"
	"outrigger.dev/outrigger/internal/missing"
	"outrigger.dev/outrigger/internal/webhook"
)

var update = flag.Bool("update", false, "write docs/metrics.md")

const metricsPage = "../../docs/metrics.md"

// described reads what a description prints; it has no other way to be read.
var described = regexp.MustCompile(`^Desc{fqName: "([^"]+)", help: "((?:[^"\\]|\\.)*)", unit: "[^"]*", constLabels: {}, variableLabels: {([^}]*)}}$`)

// A table is a registry that writes a row for each metric, also for one without a value.
type table struct {
	prometheus.Registerer
	rows []string
}

func (p *table) MustRegister(collectors ...prometheus.Collector) {
	for _, collector := range collectors {
		descriptions := make(chan *prometheus.Desc, 100)
		collector.Describe(descriptions)
		close(descriptions)
		for description := range descriptions {
			parts := described.FindStringSubmatch(description.String())
			if parts == nil {
				panic("a description of another form: " + description.String())
			}
			p.rows = append(p.rows, fmt.Sprintf("| `%s` | %s | %s | %s |\n", parts[1], kindOf(collector, parts[1]), labelsOf(parts[3]), parts[2]))
		}
	}
}

// kindOf is a metric's type. A collector of several has counters and gauges.
func kindOf(collector prometheus.Collector, name string) string {
	switch collector.(type) {
	case prometheus.Histogram, *prometheus.HistogramVec:
		return "histogram"
	case prometheus.Gauge, *prometheus.GaugeVec:
		return "gauge"
	}
	if strings.HasSuffix(name, "_total") {
		return "counter"
	}
	return "gauge"
}

func labelsOf(list string) string {
	if list == "" {
		return ""
	}
	return "`" + strings.Join(strings.Split(list, ","), "`, `") + "`"
}

// The page of metrics is what the server registers.
func TestMetricsPage(t *testing.T) {
	p := &table{}
	webhook.NewMetrics(p)
	p.MustRegister(certs.Metrics{})
	canary.New(nil, p, nil)
	missing.NewMetrics(p)
	slices.Sort(p.rows)
	text := `# Metrics

<!-- Generated: go test ./cmd/outrigger-injector -run TestMetricsPage -update -->

The server's, at ` + "`/metrics`" + ` of port 8080, beside those of Go and of the process. Times are in
seconds, sizes in bytes. Labels take values from fixed lists: nothing that a user can write
becomes one. ` + "`reason`" + ` is one of those in [decision.md](decision.md), or ` + "`fault`" + `.

Those that begin with ` + "`sidecar_injection_`" + ` are there for dashboards that were made for Istio's
injector. Of every request they count one of success, skip and failure.

| metric | type | labels | |
| --- | --- | --- | --- |
` + strings.Join(p.rows, "")
	if *update {
		if err := os.WriteFile(metricsPage, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	have, err := os.ReadFile(metricsPage)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(have), text); diff != "" {
		t.Errorf("docs/metrics.md is stale (-is +want), go test ./cmd/outrigger-injector -run TestMetricsPage -update:\n%s", diff)
	}
}
