package soak

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// A Report is what came of a run. It is complete when the run has ended.
type Report struct {
	// Rate is the pace that was asked for, and Took how long it was kept.
	Rate int
	Took time.Duration
	// Created is how many pods were created, Bare how many of them have no sidecar.
	Created, Bare int
	// Failed is why pods were not created.
	Failed []Failure
	// Deletions are errors of deleting pods, which no webhook has a part in.
	Deletions []error

	mu       sync.Mutex
	took     []time.Duration
	happened map[string]int
}

// A Failure is a create that failed.
type Failure struct {
	At   time.Time
	Took time.Duration
	Err  error
}

// pod counts one.
func (r *Report) pod(p pod) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if p.err != nil {
		r.Failed = append(r.Failed, Failure{p.at, p.took, p.err})
		return
	}
	r.Created++
	r.took = append(r.took, p.took)
	if p.bare {
		r.Bare++
	}
	if p.lingers != nil {
		r.Deletions = append(r.Deletions, p.lingers)
	}
}

// note counts something that happened.
func (r *Report) note(what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.happened[what]++
}

// Happened is how often something happened meanwhile.
func (r *Report) Happened(what string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.happened[what]
}

// Lost is nil if every pod was created and has its sidecar, and otherwise says what was lost.
func (r *Report) Lost() error {
	if len(r.Failed) == 0 && r.Bare == 0 {
		return nil
	}
	return errors.Join(append([]error{
		fmt.Errorf("%d creates failed and %d pods have no sidecar, want none", len(r.Failed), r.Bare),
	}, r.errors()...)...)
}

// shown is how many failures are printed.
const shown = 20

// errors are the first failures, with their times.
func (r *Report) errors() []error {
	var all []error
	for _, f := range r.Failed[:min(shown, len(r.Failed))] {
		all = append(all, fmt.Errorf("%s, after %d ms: %w", f.At.Format("15:04:05.000"), f.Took.Milliseconds(), f.Err))
	}
	if more := len(r.Failed) - shown; more > 0 {
		all = append(all, fmt.Errorf("and %d more", more))
	}
	return append(all, r.Deletions...)
}

// String is the report in a few lines.
func (r *Report) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var b strings.Builder
	fmt.Fprintf(&b, "%d pods in %.0f s (%.1f a second, %d wanted): %d creates failed, %d pods without a sidecar\n",
		r.Created, r.Took.Seconds(), float64(r.Created+len(r.Failed))/r.Took.Seconds(), r.Rate, len(r.Failed), r.Bare)
	fmt.Fprintf(&b, "    to create a pod: median %s, 99th of a hundred %s, longest %s\n", r.share(0.5), r.share(0.99), r.share(1))
	var all []string
	for what, n := range r.happened {
		all = append(all, fmt.Sprintf("%d × %s", n, what))
	}
	slices.Sort(all)
	fmt.Fprintf(&b, "    meanwhile: %s\n", strings.Join(all, ", "))
	if n := len(r.Deletions); n > 0 {
		fmt.Fprintf(&b, "    %d pods could not be deleted, the first: %v\n", n, r.Deletions[0])
	}
	return b.String()
}

// share is the time that a share of the creates did not exceed.
func (r *Report) share(of float64) time.Duration {
	if len(r.took) == 0 {
		return 0
	}
	slices.Sort(r.took)
	return r.took[min(int(of*float64(len(r.took))), len(r.took)-1)].Round(time.Millisecond)
}
