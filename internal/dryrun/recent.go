package dryrun

import (
	"slices"
	"sync"
	"time"
)

// maxRecent is how many decisions are remembered.
const maxRecent = 100

// Recents are the last decisions. The zero value is ready; safe for concurrent use.
type Recents struct {
	mu   sync.Mutex
	last []Recent
}

// Note remembers a decision, and when it was noted. One that is remembered already is
// no other: that of the next pod of a workload is the newest, in its place.
func (r *Recents) Note(decision Recent) {
	now := time.Now().UTC().Format(time.RFC3339)
	r.mu.Lock()
	defer r.mu.Unlock()
	same := func(other Recent) bool {
		other.Time = ""
		return other == decision
	}
	if at := slices.IndexFunc(r.last, same); at >= 0 {
		r.last = slices.Delete(r.last, at, at+1)
	} else if len(r.last) == maxRecent {
		r.last = slices.Delete(r.last, 0, 1)
	}
	decision.Time = now
	r.last = append(r.last, decision)
}

// List gives them, the newest first.
func (r *Recents) List() []Recent {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := append([]Recent{}, r.last...)
	slices.Reverse(out)
	return out
}
