package bench

import (
	"encoding/json"
	"net/http"
	"sync/atomic"
	"testing"

	admissionv1 "k8s.io/api/admission/v1"
)

// sent counts the reviews of all benchmarks, so that none is sent twice.
var sent atomic.Uint64

// Measure sends reviews to a handler from as many goroutines as there are cores.
// If first, each is of the first pod of a workload; otherwise all are of one
// workload, of which the handler has seen a pod before the clock starts. What
// the patch is like is reported as "operations" and "patch-bytes", and what a
// review takes of all cores as "cpu-ns/op": on a machine that does other things
// as well it says more than the time on the clock.
func Measure(b *testing.B, handler http.Handler, recording Recording, first bool) {
	caller := NewCaller(handler, recording)
	var reply *Reply
	for range 10 { // whoever is measured first is not the one to grow the heap
		reply = caller.Call(sent.Add(1), first)
	}
	patch, err := reply.Patch()
	if err != nil {
		b.Fatal(err)
	}
	var operations []json.RawMessage
	if err := json.Unmarshal(patch, &operations); len(patch) > 0 && err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.ResetTimer()
	before, _ := cpuTime()
	b.RunParallel(func(pb *testing.PB) {
		caller := NewCaller(handler, recording)
		for pb.Next() {
			caller.Call(sent.Add(1), first)
		}
	})
	if after, known := cpuTime(); known {
		b.ReportMetric(float64(after-before)/float64(b.N), "cpu-ns/op")
	}
	b.ReportMetric(float64(len(operations)), "operations")
	b.ReportMetric(float64(len(patch)), "patch-bytes")
}

// Patch is what a review in a reply has for one, which is nothing for a pod that
// stays as it is.
func (r *Reply) Patch() ([]byte, error) {
	if len(r.Body) == 0 {
		return nil, nil
	}
	var review admissionv1.AdmissionReview
	if err := json.Unmarshal(r.Body, &review); err != nil {
		return nil, err
	}
	return review.Response.Patch, nil
}
