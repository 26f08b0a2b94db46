package main

import (
	"context"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"outrigger.dev/outrigger/test/controlplane"
	"outrigger.dev/outrigger/test/e2e/injector"
)

// readings are what the API server and the server say of themselves.
type readings struct {
	webhook                 histogram
	cpu, resident, recalled float64
}

// read asks both. Without a server its readings are 0.
func read(ctx context.Context, cluster *controlplane.ControlPlane, server *injector.Injector) (readings, error) {
	var r readings
	text, err := cluster.Client().RESTClient().Get().AbsPath("/metrics").DoRaw(ctx)
	if err != nil {
		return r, err
	}
	r.webhook = histogramOf(string(text), "apiserver_admission_webhook_admission_duration_seconds", ".injector.outrigger.dev")
	if server == nil {
		return r, nil
	}
	own, err := server.Metrics(ctx)
	if err != nil {
		return r, err
	}
	r.cpu = sum(own, "process_cpu_seconds_total", "")
	r.resident = sum(own, "process_resident_memory_bytes", "")
	r.recalled = sum(own, "outrigger_admission_answers_total", `from="recalled"`)
	return r, nil
}

// sum adds what a metric has in lines that contain a text.
func sum(text, metric, containing string) float64 {
	var all float64
	for line := range strings.Lines(text) {
		rest, ok := strings.CutPrefix(line, metric)
		if !ok || rest[0] != ' ' && rest[0] != '{' || !strings.Contains(rest, containing) {
			continue
		}
		fields := strings.Fields(rest)
		value, err := strconv.ParseFloat(fields[len(fields)-1], 64)
		if err == nil {
			all += value
		}
	}
	return all
}

// A histogram is one of Prometheus: buckets has how many were at most so long,
// in seconds.
type histogram struct {
	sum, count float64
	bounds     []float64
	buckets    map[float64]float64
}

var bucketBound = regexp.MustCompile(`le="([^"]+)"`)

// histogramOf adds the histograms of a metric whose labels contain a text.
func histogramOf(text, metric, containing string) histogram {
	h := histogram{sum: sum(text, metric+"_sum", containing), count: sum(text, metric+"_count", containing), buckets: map[float64]float64{}}
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, metric+"_bucket{") || !strings.Contains(line, containing) {
			continue
		}
		label := bucketBound.FindStringSubmatch(line)
		fields := strings.Fields(line)
		if label == nil {
			continue
		}
		bound, err := strconv.ParseFloat(label[1], 64)
		if err != nil {
			continue
		}
		value, err := strconv.ParseFloat(fields[len(fields)-1], 64)
		if err != nil {
			continue
		}
		if _, known := h.buckets[bound]; !known {
			h.bounds = append(h.bounds, bound)
		}
		h.buckets[bound] += value
	}
	return h
}

// since is what has come since an earlier reading.
func (h histogram) since(earlier histogram) histogram {
	d := histogram{sum: h.sum - earlier.sum, count: h.count - earlier.count, bounds: h.bounds, buckets: map[float64]float64{}}
	for bound, n := range h.buckets {
		d.buckets[bound] = n - earlier.buckets[bound]
	}
	return d
}

// below is the bound that a share of the calls stayed under. No more is known
// than the buckets tell.
func (h histogram) below(share float64) string {
	least := math.Inf(1)
	for _, bound := range h.bounds {
		if h.buckets[bound] >= share*h.count {
			least = min(least, bound)
		}
	}
	if math.IsInf(least, 1) {
		return "more"
	}
	return fmt.Sprintf("< %g ms", least*1000)
}
