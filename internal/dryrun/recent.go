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
	ring []Recent
	next int
}

// Note remembers a decision, and when it was noted.
func (r *Recents) Note(decision Recent) {
	decision.Time = time.Now().UTC().Format(time.RFC3339)
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.ring) < maxRecent {
		r.ring = append(r.ring, decision)
		return
	}
	r.ring[r.next] = decision
	r.next = (r.next + 1) % maxRecent
}

// List gives them, the newest first.
func (r *Recents) List() []Recent {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := slices.Concat([]Recent{}, r.ring[r.next:], r.ring[:r.next])
	slices.Reverse(out)
	return out
}
