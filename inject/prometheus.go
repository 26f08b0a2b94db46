package inject

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

const (
	mergeMetricsAnnotation  = "prometheus.istio.io/merge-metrics"
	scrapeTargetsAnnotation = "prometheus.istio.io/scrape-targets"
	securePortAnnotation    = "prometheus.istio.io/secure-port"
	prometheusEnv           = "ISTIO_PROMETHEUS_ANNOTATIONS"
	securePortEnv           = "ENVOY_SECURE_MERGED_METRICS_PORT"
	mergedMetricsPath       = "/stats/prometheus"
)

// A scrape is where the application's metrics are: what the agent reads from
// ISTIO_PROMETHEUS_ANNOTATIONS. Values are texts, as in the annotations.
type scrape struct {
	Scrape  string         `json:"scrape"`
	Path    string         `json:"path"`
	Port    string         `json:"port"`
	Targets []scrapeTarget `json:"targets,omitempty"`
}

type scrapeTarget struct {
	Port string `json:"port"`
	Path string `json:"path"`
}

// mergePrometheus has the agent scraped in place of the application, whose
// metrics it adds to its own (applyPrometheusMerge in Istio's
// pkg/kube/inject/webhook.go).
func (r *rendering) mergePrometheus() error {
	if !r.mergesMetrics() {
		return nil
	}
	target := fmt.Sprint(r.in.mesh.GetDefaultConfig().GetStatusPort())
	s := scrape{
		Scrape: r.prometheus("scrape"),
		Path:   r.prometheus("path"),
		Port:   r.prometheus("port"),
	}
	if s.Port == target {
		return nil // already the agent's
	}
	if yes, err := strconv.ParseBool(s.Scrape); err == nil && !yes {
		return nil
	}
	s.Targets = r.scrapeTargets()
	if len(s.Targets) > 0 {
		s.Port, s.Path = s.Targets[0].Port, s.Targets[0].Path
	}
	if err := s.validate(target); err != nil {
		return err
	}
	if s.Scrape != "" || s.Path != "" || s.Port != "" {
		if proxy := proxyOf(r.merged); proxy != nil {
			raw, err := json.Marshal(s)
			if err != nil {
				return err
			}
			setEnv(proxy, prometheusEnv, string(raw))
		}
	}
	r.clearPrometheus()
	annotate(r.merged, "prometheus.io/port", target)
	annotate(r.merged, "prometheus.io/path", mergedMetricsPath)
	annotate(r.merged, "prometheus.io/scrape", "true")
	return nil
}

func (r *rendering) mergesMetrics() bool {
	if yes, ok := parseBool(r.merged, mergeMetricsAnnotation); ok {
		return yes
	}
	if enabled := r.in.mesh.GetEnablePrometheusMerge(); enabled != nil {
		return enabled.GetValue()
	}
	return true
}

// prometheusKey is an annotation's key as Prometheus names the label that it
// makes of it, so that prometheus.io/port and prometheus_io_port are one.
func prometheusKey(key string) string {
	return strings.Map(func(c rune) rune {
		if c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' {
			return c
		}
		return '_'
	}, key)
}

// prometheusKeys are the annotations that merging rewrites.
var prometheusKeys = []string{
	"prometheus_io_scrape",
	"prometheus_io_port",
	"prometheus_io_path",
	prometheusKey(scrapeTargetsAnnotation),
}

func (r *rendering) prometheus(name string) string {
	annotations := sub(sub(r.merged, "metadata"), "annotations")
	for _, key := range sortedKeys(annotations) {
		if prometheusKey(key) == "prometheus_io_"+name {
			return text(annotations, key)
		}
	}
	return ""
}

func (r *rendering) clearPrometheus() {
	annotations := sub(sub(r.merged, "metadata"), "annotations")
	for _, key := range sortedKeys(annotations) {
		if slices.Contains(prometheusKeys, prometheusKey(key)) {
			delete(annotations, key)
		}
	}
}

// scrapeTargets reads "port[:path],…". One that is not of this form makes the
// whole annotation count as absent, with a warning.
func (r *rendering) scrapeTargets() []scrapeTarget {
	value, ok := annotation(r.merged, scrapeTargetsAnnotation)
	if !ok || strings.TrimSpace(value) == "" {
		return nil
	}
	var out []scrapeTarget
	for entry := range strings.SplitSeq(value, ",") {
		port, path, hasPath := strings.Cut(strings.TrimSpace(entry), ":")
		if !hasPath {
			path = "/metrics"
		}
		if _, err := strconv.ParseUint(port, 10, 16); err != nil || !strings.HasPrefix(path, "/") {
			r.warn("annotation %s: %q is ignored, wanted port[:/path],…", scrapeTargetsAnnotation, value)
			return nil
		}
		out = append(out, scrapeTarget{port, path})
	}
	return out
}

// agentPorts are the ports of the proxy and its agent in every pod.
var agentPorts = []string{"15000", "15001", "15004", "15006", "15008", "15020", "15021", "15053", "15090"}

// validate refuses a port that is none, and one where scraping would ask the
// agent for the agent's own metrics again and again.
func (s scrape) validate(target string) error {
	ports := []string{s.Port}
	for _, t := range s.Targets {
		ports = append(ports, t.Port)
	}
	for _, port := range ports {
		if port == "" {
			continue
		}
		n, err := strconv.ParseUint(port, 10, 16)
		switch {
		case err != nil || n == 0:
			return denied(BadAnnotation, "annotation prometheus.io/port: %q is no port, wanted 1 to 65535", port)
		case port == target || slices.Contains(agentPorts, strconv.FormatUint(n, 10)):
			return denied(BadAnnotation, "annotation prometheus.io/port: %q is the proxy's own port, wanted the application's", port)
		}
	}
	return nil
}

// securePrometheus tells scrapers the port on which the proxy serves merged
// metrics over mutual TLS, where it does.
func (r *rendering) securePrometheus() {
	proxy := proxyOf(r.merged)
	if proxy == nil {
		return
	}
	if _, set := annotation(r.merged, securePortAnnotation); set {
		return
	}
	_, env := find(items(proxy, "env"), "name", securePortEnv)
	if port := text(env, "value"); port != "" && port != "0" {
		annotate(r.merged, securePortAnnotation, port)
	}
}
