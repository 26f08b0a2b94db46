package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"
)

// A Target is where metrics of the application are, in its pod.
type Target struct {
	Port string `json:"port"`
	Path string `json:"path"`
}

// scrape reads the annotations of Prometheus that the injector took from the pod.
// Several targets come as a list, whose first is repeated outside of it.
func (c *Config) scrape(text string) error {
	if text == "" {
		return nil
	}
	var a struct {
		Scrape string
		Target
		Targets []Target
	}
	if err := json.Unmarshal([]byte(text), &a); err != nil {
		return err
	}
	if a.Scrape == "false" {
		return nil
	}
	c.Scrape = a.Targets
	if len(c.Scrape) == 0 {
		c.Scrape = []Target{a.Target}
	}
	for i := range c.Scrape {
		c.Scrape[i] = c.Scrape[i].filled()
	}
	return nil
}

// filled has the defaults of Istio's agent.
func (t Target) filled() Target {
	if t.Port == "" {
		t.Port = "80"
	}
	if t.Path == "" {
		t.Path = "/metrics"
	}
	if !strings.HasPrefix(t.Path, "/") {
		t.Path = "/" + t.Path
	}
	return t
}

func (t Target) url() string { return "http://" + net.JoinHostPort("localhost", t.Port) + t.Path }

// merged serves the proxy's metrics and after them the application's. What cannot
// be scraped is left out and counted: the rest is wanted all the same.
type merged struct {
	own      prometheus.Gatherer
	targets  []Target
	failures prometheus.Counter
	log      *slog.Logger
}

func (m merged) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 10*time.Second)
	defer cancel()
	var application bytes.Buffer
	for _, t := range m.targets {
		if err := get(ctx, t.url(), &application); err != nil {
			m.failures.Inc()
			m.log.Warn("application not scraped", "url", t.url(), "err", err)
		}
	}
	families, err := m.own.Gather()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	format := expfmt.NewFormat(expfmt.TypeTextPlain)
	w.Header().Set("Content-Type", string(format))
	encoder := expfmt.NewEncoder(w, format)
	for _, f := range families {
		if err := encoder.Encode(f); err != nil {
			return
		}
	}
	application.WriteTo(w)
}

// get appends the text at a URL to out, all of it or nothing.
func get(ctx context.Context, url string, out *bytes.Buffer) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Accept", "text/plain;version=0.0.4")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d, wanted 200", resp.StatusCode)
	}
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	out.Write(text)
	if len(text) > 0 && text[len(text)-1] != '\n' {
		out.WriteByte('\n')
	}
	return nil
}
