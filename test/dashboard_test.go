package test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"outrigger.dev/outrigger/certs"
	"outrigger.dev/outrigger/internal/canary"
	"outrigger.dev/outrigger/internal/missing"
	"outrigger.dev/outrigger/internal/webhook"
)

const (
	// dashboardPath is made here from the metrics that the server registers.
	dashboardPath = "../charts/outrigger/dashboards/outrigger.json"
	// rulesPath asks for metrics by name.
	rulesPath = "../charts/outrigger/templates/prometheusrule.yaml"
)

// A metric is what the registry knows of one.
type metric struct {
	kind, name, help string
	labels           []string
}

// A catalogue is a registry that remembers what was registered: unlike a real one,
// also what has no value yet.
type catalogue struct {
	prometheus.Registerer
	metrics []metric
}

// described reads what a description prints; it has no other way to be read.
var described = regexp.MustCompile(`^Desc{fqName: "([^"]+)", help: "((?:[^"\\]|\\.)*)", unit: "[^"]*", constLabels: {}, variableLabels: {([^}]*)}}$`)

func (c *catalogue) MustRegister(collectors ...prometheus.Collector) {
	for _, collector := range collectors {
		descriptions := make(chan *prometheus.Desc)
		go func() {
			defer close(descriptions)
			collector.Describe(descriptions)
		}()
		for description := range descriptions {
			m := describe(description, collector)
			if !strings.HasPrefix(m.name, "sidecar_injection_") { // Istio's names for what has ours
				c.metrics = append(c.metrics, m)
			}
		}
	}
}

// describe reads a description. What kind of metric it is the collector says, or the name, as
// names of metrics do.
func describe(description *prometheus.Desc, by prometheus.Collector) metric {
	parts := described.FindStringSubmatch(description.String())
	if parts == nil {
		panic("a description of another form: " + description.String())
	}
	m := metric{kind: "gauge", name: parts[1], help: parts[2]}
	if parts[3] != "" {
		m.labels = strings.Split(parts[3], ",")
	}
	switch by.(type) {
	case prometheus.Histogram, *prometheus.HistogramVec:
		m.kind = "histogram"
	default:
		if strings.HasSuffix(m.name, "_total") {
			m.kind = "counter"
		}
	}
	return m
}

func metrics(t *testing.T) []metric {
	t.Helper()
	var c catalogue
	webhook.NewMetrics(&c)
	missing.NewMetrics(&c)
	c.MustRegister(certs.Metrics{})
	canary.New(nil, &c, nil)
	if len(c.metrics) == 0 {
		t.Fatal("the server registers no metrics")
	}
	return c.metrics
}

func TestDashboard(t *testing.T) {
	var panels []any
	for i, m := range metrics(t) {
		panels = append(panels, panel(m, i))
	}
	source := map[string]string{"type": "prometheus", "uid": "${datasource}"}
	board := map[string]any{
		"uid": "outrigger", "title": "Outrigger", "description": "Generated: go test ./test -run TestDashboard -update",
		"schemaVersion": 39, "editable": true, "refresh": "30s", "tags": []string{"outrigger"},
		"time": map[string]string{"from": "now-1h", "to": "now"},
		"templating": map[string]any{"list": []any{
			map[string]any{"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"},
			map[string]any{
				"name": "job", "label": "Job", "type": "query", "datasource": source, "includeAll": true, "multi": true, "refresh": 2,
				"query": "label_values(outrigger_configuration_info, job)",
			},
		}},
		"panels": panels,
	}
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	if err := e.Encode(board); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(dashboardPath, text.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(read(t, dashboardPath), text.String()); diff != "" {
		t.Errorf("%s is stale, run: go test ./test -run TestDashboard -update\n-file +now\n%s", dashboardPath, diff)
	}
}

// panel shows one metric: a counter by its rate, a histogram by quantiles, a moment by how
// far off it is, another gauge as it is. Two stand side by side.
func panel(m metric, n int) map[string]any {
	const jobs = `{job=~"$job"}`
	by := strings.Join(m.labels, ", ")
	legend := ""
	for _, label := range m.labels {
		legend += " {{" + label + "}}"
	}
	var targets []any
	target := func(expression, legend string) {
		targets = append(targets, map[string]any{"refId": string(rune('A' + len(targets))), "expr": expression, "legendFormat": strings.TrimSpace(legend)})
	}
	switch {
	case m.kind == "histogram":
		for _, quantile := range []string{"0.5", "0.9", "0.99"} {
			target(fmt.Sprintf("histogram_quantile(%s, sum by (le) (rate(%s_bucket%s[$__rate_interval])))", quantile, m.name, jobs), quantile)
		}
	case m.kind == "counter" && by != "":
		target(fmt.Sprintf("sum by (%s) (rate(%s%s[$__rate_interval]))", by, m.name, jobs), legend)
	case m.kind == "counter":
		target(fmt.Sprintf("sum(rate(%s%s[$__rate_interval]))", m.name, jobs), "a second")
	case strings.HasSuffix(m.name, "_timestamp_seconds"):
		target(m.name+jobs+" - time()", "{{pod}}")
		m.help += " Here as the time until then."
	case by != "":
		target(fmt.Sprintf("sum by (%s) (%s%s)", by, m.name, jobs), legend)
	default:
		target(m.name+jobs, "{{pod}}")
	}
	unit := "short"
	switch {
	case strings.HasSuffix(m.name, "_seconds"):
		unit = "s"
	case strings.HasSuffix(m.name, "_bytes"):
		unit = "bytes"
	case m.kind == "counter":
		unit = "cps"
	}
	return map[string]any{
		"id": n + 1, "type": "timeseries", "title": m.name, "description": m.help,
		"datasource":  map[string]string{"type": "prometheus", "uid": "${datasource}"},
		"gridPos":     map[string]int{"h": 8, "w": 12, "x": n % 2 * 12, "y": n / 2 * 8},
		"fieldConfig": map[string]any{"defaults": map[string]any{"unit": unit, "min": 0}, "overrides": []any{}},
		"targets":     targets,
	}
}

// What the chart's alerts ask for is what the server has, by the page that is generated
// from all its metrics, those of programs beside the webhook too.
func TestAlertsAskForMetricsThatExist(t *testing.T) {
	name := regexp.MustCompile(`\boutrigger_[a-z_]+`)
	have := map[string]bool{}
	for _, documented := range name.FindAllString(read(t, "../docs/metrics.md"), -1) {
		have[documented], have[documented+"_bucket"] = true, true
	}
	asked := name.FindAllString(read(t, rulesPath), -1)
	if len(asked) == 0 {
		t.Fatal("no alert asks for anything")
	}
	for _, name := range asked {
		if !have[name] {
			t.Errorf("%s asks for %s, which the server does not have", rulesPath, name)
		}
	}
}
