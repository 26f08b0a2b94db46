// Package bench measures what an admission costs, in process and without TLS,
// and has what measuring needs: the reviews, a caller that costs next to
// nothing, and handlers to call. "make bench" prints the table, and "make
// bench-peers" prints one with Istio's injector in it.
//
// # Reviews
//
// testdata has reviews as a real API server sent them, byte for byte, with the
// token's volume and metadata.managedFields in their pods. To record them anew,
// on a control plane of its own:
//
//	go -C test/e2e run ./record ../bench/testdata
//
// A benchmark sends no review twice. The next pod of the same workload differs
// from the one before in what differs between two pods of a ReplicaSet: the
// review's UID, the suffix of kube-api-access-xxxxx and the times in
// managedFields. The first pod of another workload has another workload's names
// and UIDs as well. See [Recording.Vary].
//
// # What is in a number
//
// All that the server does from the request to the reply: reading the body,
// reading the review, deciding, rendering, the patch, the log's line (which is
// thrown away when it is complete), the metrics. The floor beside it is the same
// handler with a reviewer that has its answer ready. Calling costs what
// BenchmarkCall says; it is in both.
package bench

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"regexp"
)

//go:embed testdata
var testdata embed.FS

// A Recording is a review with the places where other reviews have something
// else. It is not changed.
type Recording struct {
	body []byte
	// pod are places where two pods of one workload differ, workload those where
	// the pods of two workloads do.
	pod, workload []place
}

// A place is where to write a number, and with which digits.
type place struct {
	at, length int
	digits     string
}

const (
	decimal = "0123456789"
	hex     = "0123456789abcdef"
	// generated are the characters of names that Kubernetes makes up
	// (k8s.io/apimachinery/pkg/util/rand).
	generated = "bcdfghjklmnpqrstvwxz2456789"
)

// written is how many characters of a name or UID are replaced, at its end:
// enough for as many different ones as a benchmark can send.
const written = 8

var (
	tokenVolume = regexp.MustCompile(`"kube-api-access-([a-z0-9]{5})"`)
	// second is the last digit of a time.
	second = regexp.MustCompile(`"time":"[-0-9]+T[0-9:]+([0-9])Z"`)
)

// Record reads a recording from testdata, by its name without ".json".
func Record(name string) (Recording, error) {
	body, err := testdata.ReadFile("testdata/" + name + ".json")
	if err != nil {
		return Recording{}, err
	}
	return newRecording(body)
}

// newRecording finds the places in a review.
func newRecording(body []byte) (Recording, error) {
	var review struct {
		Request struct {
			UID    string
			Object struct {
				Metadata struct {
					Labels          map[string]string
					OwnerReferences []struct{ UID string }
				}
			}
		}
	}
	if err := json.Unmarshal(body, &review); err != nil {
		return Recording{}, err
	}
	r := Recording{body: body}
	r.pod = places(body, review.Request.UID, hex)
	for _, found := range tokenVolume.FindAllSubmatchIndex(body, -1) {
		r.pod = append(r.pod, place{found[2], found[3] - found[2], generated})
	}
	for _, found := range second.FindAllSubmatchIndex(body, -1) {
		r.pod = append(r.pod, place{found[2], found[3] - found[2], decimal})
	}
	metadata := review.Request.Object.Metadata
	for _, owner := range metadata.OwnerReferences {
		r.workload = append(r.workload, places(body, owner.UID, hex)...)
	}
	// The workload's name is in one of these, and in others made from it.
	for _, label := range []string{"app", "run", "job-name", "pod-template-hash"} {
		if value := metadata.Labels[label]; value != "" {
			r.workload = append(r.workload, places(body, value, generated)...)
		}
	}
	if len(r.pod) == 0 || len(r.workload) == 0 {
		return Recording{}, fmt.Errorf("recording: %d places that name the pod and %d that name the workload, want some of each",
			len(r.pod), len(r.workload))
	}
	return r, nil
}

// places are the ends of every occurrence of a text.
func places(body []byte, text, digits string) []place {
	var all []place
	length := min(len(text), written)
	for from := 0; ; {
		i := bytes.Index(body[from:], []byte(text))
		if i < 0 {
			return all
		}
		from += i + len(text)
		all = append(all, place{from - length, length, digits})
	}
}

// Body is a copy of the review, for Vary to write in.
func (r Recording) Body() []byte { return bytes.Clone(r.body) }

// Vary makes of a copy the review of another pod, the nth: of the same workload
// or, if first, of a workload of its own, of which it is the first.
func (r Recording) Vary(body []byte, n uint64, first bool) {
	for _, p := range r.pod {
		p.write(body, n)
	}
	if !first {
		return
	}
	for _, p := range r.workload {
		p.write(body, n)
	}
}

// write writes as much of n as there is place for.
func (p place) write(body []byte, n uint64) {
	base := uint64(len(p.digits))
	for i := p.at + p.length - 1; i >= p.at; i-- {
		body[i] = p.digits[n%base]
		n /= base
	}
}
