package certs

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"time"
)

// ErrNotOurs is what a [Publisher] gives where what callers trust belongs to
// somebody else, who would write it again: it is left alone.
var ErrNotOurs = errors.New("belongs to somebody else")

// ErrNotAllowed is an [Entry]'s fault where we may not look. That says nothing
// about what callers trust.
var ErrNotAllowed = errors.New("not allowed to read it")

// An Entry is what one caller trusts.
type Entry struct {
	// Name says where it says so, for people.
	Name string
	// Bundle is empty where nothing is said: then callers trust what their own
	// system does.
	Bundle Bundle
	// Fault is why the bundle is not known; nil where it is.
	Fault error
}

// Trust is what every caller trusts, as it was at one time.
type Trust []Entry

// Common is the authorities that every caller trusts: none where of one it is not
// known.
func (t Trust) Common() Bundle {
	var common Bundle
	for i, e := range t {
		switch {
		case e.Fault != nil:
			return nil
		case i == 0:
			common = e.Bundle
		default:
			common = common.intersect(e.Bundle)
		}
	}
	return common
}

// Verify says which caller would refuse the serving certificate at now, and why;
// nil if none would.
func (t Trust) Verify(leaf *tls.Certificate, now time.Time) error {
	if len(t) == 0 {
		return errors.New("CA bundle: not read yet")
	}
	for _, e := range t {
		err := e.Fault
		if err == nil {
			err = e.Bundle.Verify(leaf, now)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", e.Name, err)
		}
	}
	return nil
}

// checkable leaves out the callers of whom it cannot be said what they trust, and
// says why: for an owner who gave them something that we do not see.
func (t Trust) checkable() (rest Trust, unchecked string) {
	for _, e := range t {
		switch {
		case errors.Is(e.Fault, ErrNotAllowed):
			unchecked = fmt.Sprintf("%s: %v", e.Name, e.Fault)
		case e.Fault == nil && len(e.Bundle) == 0:
			unchecked = e.Name + ": has no caBundle, so the API server trusts what its system does"
		default:
			rest = append(rest, e)
		}
	}
	return rest, unchecked
}

// A Watcher tells what callers trust.
type Watcher interface {
	// Watch calls seen with what every caller trusts now, and again whenever that
	// has changed, until ctx ends. Calls do not overlap.
	Watch(ctx context.Context, seen func(Trust))
}

// A Publisher tells callers which authorities to trust.
type Publisher interface {
	Watcher
	// Publish reads what callers trust, has decide say what they are to trust, and
	// makes it so: it writes only where that is not so already, and only over what
	// it has read. Where that has changed meanwhile it begins again, and decide is
	// called once more. Where it cannot be read decide is told so, and called all
	// the same. With an error from decide nothing is written, and the error comes back.
	//
	// The order is the point. Whoever decides by what is stored then, and stores
	// only more or less than what was, never undoes what somebody wrote who knew
	// more: what is written over was there before the store was looked at.
	Publish(ctx context.Context, decide func(Trust) (Bundle, error)) error
}
