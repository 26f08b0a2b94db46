package e2ereal_test

import (
	"strconv"
	"strings"
	"testing"
)

// Whoever scrapes the annotated port of a pod gets the application's metrics and the sidecar's.
func TestOneScrapeGivesAllMetrics(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	s.apply(t, `
apiVersion: v1
kind: Pod
metadata:
  name: web
  annotations: {prometheus.io/scrape: "true", prometheus.io/port: "8080", prometheus.io/path: /metrics}
spec:
  containers:
  - name: web
    image: APP
    args: [serve]
    readinessProbe: {httpGet: {path: /readyz, port: 8080}, periodSeconds: 1}
`)
	pod := s.ready(t, "web")
	get(t, at(pod, 8080, "/"))
	port, err := strconv.Atoi(pod.Annotations["prometheus.io/port"])
	if err != nil || port == 8080 {
		t.Fatalf("annotations %v, want another port than the application's", pod.Annotations)
	}
	scraped := get(t, at(pod, port, pod.Annotations["prometheus.io/path"]))
	for _, want := range []string{
		`app_requests_total{path="GET /{$}"} 1`,
		`standin_connections_total{direction="inbound",port="8080"} 1`,
		`standin_scrape_failures_total 0`,
	} {
		if !strings.Contains(scraped, want+"\n") {
			t.Errorf("no line %s in:\n%s", want, scraped)
		}
	}
}
