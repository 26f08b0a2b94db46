package certs

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"
)

// A State is what a [Store] holds: all that replicas have to agree on.
type State struct {
	// Authority signs. It is nil where none has been kept yet.
	Authority *Authority
	// Next is to sign in its place once every caller trusts it; nil for none.
	Next *Authority
	// Retired are authorities that have signed, and are trusted until their last
	// leaf has expired.
	Retired []Retired
	// Rotate says that somebody asks for another authority before this one is due.
	Rotate bool
	// Version is the store's own mark of what was loaded.
	Version string
}

// A Retired authority signs no more.
type Retired struct {
	Certificate *x509.Certificate
	// Until is when the last leaf that it can have signed has expired.
	Until time.Time
}

// A Phase is how far the change from one authority to another has come.
type Phase string

// The phases, in their order.
const (
	// Settled: one authority, and nothing under way.
	Settled Phase = "settled"
	// Announced: the next authority is being published beside the one that signs.
	Announced Phase = "announced"
	// Retiring: the next one signs, and the one before is still trusted.
	Retiring Phase = "retiring"
)

// Phases are all of them.
var Phases = []Phase{Settled, Announced, Retiring}

// Phase is how far a change has come. A second change may begin before the first
// has ended: then it is the second that counts.
func (s State) Phase() Phase {
	switch {
	case s.Next != nil:
		return Announced
	case len(s.Retired) > 0:
		return Retiring
	}
	return Settled
}

// Bundle is what callers are to trust. It depends on nothing else, the time
// included: replicas whose clocks differ must not write against each other.
func (s State) Bundle() Bundle {
	var all []*x509.Certificate
	for _, a := range []*Authority{s.Authority, s.Next} {
		if a != nil {
			all = append(all, a.certificate)
		}
	}
	for _, r := range s.Retired {
		all = append(all, r.Certificate)
	}
	return NewBundle(time.Time{}, all...)
}

// A Store keeps one state for all replicas.
type Store interface {
	// Load returns what is kept. Nothing kept is no error: the state has no
	// authority then.
	Load(ctx context.Context) (State, error)
	// Save keeps s if what is kept is still what Load marked with s.Version, and
	// gives ErrConflict otherwise.
	Save(ctx context.Context, s State) error
}

// ErrConflict is what a [Store] gives when what it holds is no longer what was
// loaded. The cure is to load again.
var ErrConflict = errors.New("changed by somebody else since it was loaded")

// facts are what a replica knows besides what is stored.
type facts struct {
	now time.Time
	// held is the authority that this replica signed with so far; nil for none.
	held *Authority
	// trusted is what every caller trusts now.
	trusted Bundle
	// spread says that every caller has trusted the next authority for long enough
	// that none is left who has not heard of it.
	spread bool
	// leafLife is how long leaves live, and linger for how long after a change is
	// stored a replica that has not heard of it may still act on what was.
	leafLife, linger time.Duration
}

// advance is what a stored state becomes next, and why; "" where it is to stay.
// Replicas elect nobody: each works this out for itself, and the store takes the
// first of those who saw the same.
//
//	what is stored                          becomes
//	an authority that is not valid yet      an error: our clock is behind, and others' may be right
//	no authority that may sign, but a next  next signs; nothing that the old one signed is good
//	no authority that may sign              the one held here signs, or else a new one; what
//	                                        callers trust of ours is retired
//	a retired one past its time             as it is, without it
//	a next, and all callers trust it        next signs; the old one is retired
//	a next that has expired                 as it is, without it
//	one that is due, or asked to change     a next is announced
//	anything else                           as it is
//
// A retired authority's time is that of a leaf signed at the last moment: by a
// replica that loaded the state just before it changed.
func (s State) advance(f facts) (State, string, error) {
	until := f.now.Add(f.leafLife + f.linger)
	s.Retired = slices.Clone(s.Retired)
	switch {
	case s.Authority != nil && f.now.Before(s.Authority.certificate.NotBefore):
		return s, "", fmt.Errorf("authority: %s: the clock of this machine is behind", outside(s.Authority.certificate, f.now))
	case !usable(s.Authority, f.now) && usable(s.Next, f.now):
		s.Authority, s.Next, s.Rotate = s.Next, nil, false
		return s, "the authority before is not valid, and the next one signs", nil
	case !usable(s.Authority, f.now):
		return s.begin(f, until)
	}
	if left := slices.DeleteFunc(s.Retired, func(r Retired) bool { return f.now.After(r.Until) }); len(left) < len(s.Retired) {
		s.Retired = left
		return s, "the last leaf of a retired authority has expired", nil
	}
	switch {
	case s.Next != nil && !usable(s.Next, f.now):
		s.Next = nil
		return s, "the next authority has expired before it signed", nil
	case s.Next != nil && f.spread:
		s.Retired = append(s.Retired, Retired{s.Authority.certificate, until})
		s.Authority, s.Next = s.Next, nil
		return s, "every caller trusts the next authority, and it signs", nil
	case s.Next != nil:
		return s, "", nil
	}
	reason, due := Due(s.Authority.certificate, f.now)
	if s.Rotate {
		reason, due = "is to be changed, as somebody asks", true
	}
	if !due {
		return s, "", nil
	}
	next, err := NewAuthority(f.now, AuthorityLife)
	if err != nil {
		return s, "", err
	}
	s.Next, s.Rotate = next, false
	return s, "the authority " + reason + ", and another is announced", nil
}

// begin is a state with an authority that signs at once. Somebody who has lost the
// store may still serve by what callers trust, so that is kept for as long.
func (s State) begin(f facts, until time.Time) (State, string, error) {
	why := "stored again, as it was lost"
	authority := f.held
	if !usable(authority, f.now) {
		why = "made, as there was none"
		var err error
		if authority, err = NewAuthority(f.now, AuthorityLife); err != nil {
			return s, "", err
		}
	}
	s.Authority, s.Next, s.Rotate = authority, nil, false
	for _, c := range f.trusted {
		if ours(c) && outside(c, f.now) == "" && !s.Bundle().Contains(c) {
			s.Retired = append(s.Retired, Retired{c, until})
		}
	}
	return s, why, nil
}

// usable says whether an authority may sign at now.
func usable(a *Authority, now time.Time) bool { return a != nil && outside(a.certificate, now) == "" }
