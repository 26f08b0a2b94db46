package bench_test

import (
	"encoding/json"
	"io"
	"net/http"
	"testing"

	admissionv1 "k8s.io/api/admission/v1"

	"outrigger.dev/outrigger/test/bench"
)

// The names of benchmarks are keys and values, which benchstat can group by:
//
//	pod   what the review is about
//	seen  whether it is the "first" pod of its workload, or a workload's pods come "again"
//	by    "outrigger", or the "floor" beside it: see the package's comment

func BenchmarkSkip(b *testing.B)     { eachCase(b, bench.Skips()) }
func BenchmarkWorkload(b *testing.B) { eachCase(b, bench.Workloads()) }
func BenchmarkMode(b *testing.B)     { eachCase(b, bench.Modes()) }
func BenchmarkShape(b *testing.B)    { eachCase(b, bench.Shapes()) }

// BenchmarkCall is what calling costs, with a handler that reads the body to
// nowhere and replies nothing.
func BenchmarkCall(b *testing.B) {
	eachHandler(b, "deployment-1", map[string]http.Handler{"nobody": http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
	})})
}

// BenchmarkFloor is the floor that needs nothing of ours: the review read into
// Kubernetes' type by encoding/json and the same type written with a patch.
func BenchmarkFloor(b *testing.B) {
	setup, recording := set(b, bench.Workloads()[0])
	reply := bench.NewCaller(setup.Server(), recording).Call(0, false)
	var ready admissionv1.AdmissionReview
	if err := json.Unmarshal(reply.Body, &ready); err != nil {
		b.Fatal(err)
	}
	eachHandler(b, "deployment-1", map[string]http.Handler{"encoding-json": plain(*ready.Response)})
}

// plain replies the same to every review, and takes the straight way to it.
func plain(response admissionv1.AdmissionResponse) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(err) // it is in memory
		}
		var review admissionv1.AdmissionReview
		if err := json.Unmarshal(body, &review); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		reply := response
		reply.UID = review.Request.UID
		review.Request, review.Response = nil, &reply
		w.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(w).Encode(review); err != nil {
			panic(err) // it is made of texts
		}
	})
}

// eachHandler sends the pods of one workload to handlers by name.
func eachHandler(b *testing.B, name string, handlers map[string]http.Handler) {
	recording, err := bench.Record(name)
	if err != nil {
		b.Fatal(err)
	}
	for by, handler := range handlers {
		b.Run("pod=deployment/seen=again/by="+by, func(b *testing.B) { bench.Measure(b, handler, recording, false) })
	}
}

// eachCase measures cases, first and again, with the floor beside each.
func eachCase(b *testing.B, cases []bench.Case) {
	for _, c := range cases {
		b.Run("pod="+c.Name, func(b *testing.B) {
			setup, recording := set(b, c)
			floor, server := setup.Floor(recording), setup.Server()
			for _, seen := range []string{"first", "again"} {
				b.Run("seen="+seen+"/by=floor", func(b *testing.B) { bench.Measure(b, floor, recording, seen == "first") })
				b.Run("seen="+seen+"/by=outrigger", func(b *testing.B) { bench.Measure(b, server, recording, seen == "first") })
			}
		})
	}
}

// set is what a case measures.
func set(tb testing.TB, c bench.Case) (bench.Setup, bench.Recording) {
	tb.Helper()
	setup, recording, err := c.Prepare()
	if err != nil {
		tb.Fatal(err)
	}
	return setup, recording
}
