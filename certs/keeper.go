package certs

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// ErrConflict is what a [Store] gives when what it holds is no longer what was
// loaded. The cure is to load again.
var ErrConflict = errors.New("changed by somebody else since it was loaded")

// A State is what a [Store] holds.
type State struct {
	// Authority is nil where none has been kept yet.
	Authority *Authority
	// Version is the store's own mark of what was loaded.
	Version string
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

// A Publisher tells callers which authorities to trust.
type Publisher interface {
	// Publish makes every caller trust bundle and nothing else. It writes only
	// where that is not so already.
	Publish(ctx context.Context, bundle Bundle) error
	// Watch calls seen with what every caller trusts now, and again whenever that
	// has changed, until ctx ends. Calls do not overlap.
	Watch(ctx context.Context, seen func(Bundle))
}

const (
	// patrol is how often the store and what is published are looked at when
	// nothing happens: two reads a minute cost an API server nothing and mend
	// whatever an event failed to tell.
	patrol = time.Minute

	// settle is how long events are gathered before they are acted upon, so that
	// a writer who undoes what we publish cannot make us write in a tight loop.
	settle = 200 * time.Millisecond

	// patience is how long one pass may take: an answer that has not come by then
	// comes no more.
	patience = 30 * time.Second

	// retryFirst and retryLast bound the wait after a pass that went wrong.
	retryFirst, retryLast = time.Second, 30 * time.Second
)

// A Keeper keeps an authority in a store, a leaf in memory and its bundle
// published. Its fields are set before Run and not changed afterwards; its
// methods are safe for concurrent use.
type Keeper struct {
	Store     Store
	Publisher Publisher
	// Names are what callers call us: DNS names and IP addresses.
	Names []string
	// LeafLife is how long a leaf lives; 0 means [LeafLife].
	LeafLife time.Duration
	Log      *slog.Logger

	serving   serving
	authority atomic.Pointer[Authority]
	trusted   atomic.Pointer[Bundle]
}

// Run keeps everything in order until ctx ends; then it returns nil. What goes
// wrong is logged and tried again.
func (k *Keeper) Run(ctx context.Context) error {
	changed := make(chan struct{}, 1)
	var watch sync.WaitGroup
	defer watch.Wait()
	watch.Go(func() {
		k.Publisher.Watch(ctx, func(b Bundle) {
			k.trusted.Store(&b)
			select {
			case changed <- struct{}{}:
			default:
			}
		})
	})
	retry := retryFirst
	for {
		pass, done := context.WithTimeout(ctx, patience)
		next, err := k.Tend(pass, time.Now())
		done()
		wait := min(max(time.Until(next), settle), patrol)
		if err == nil {
			retry = retryFirst
		} else if ctx.Err() == nil {
			k.Log.Warn("certificates are not in order", "err", err, "retry", retry)
			wait, retry = retry, min(2*retry, retryLast)
		}
		if !pause(ctx, settle) {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		case <-time.After(wait - settle):
		}
	}
}

// Tend makes one pass: it takes over the stored authority or stores one, renews
// the leaf where it is due, and publishes the bundle. Doing it again changes
// nothing. next is when the leaf falls due.
func (k *Keeper) Tend(ctx context.Context, now time.Time) (next time.Time, err error) {
	defer func() { k.serving.blame(err) }()
	authority, err := k.agree(ctx, now)
	if held := k.authority.Load(); err != nil && usable(held, now) {
		// The store may be away for longer than a leaf lives. The bundle stays as
		// it is: somebody else may have stored another authority meanwhile.
		_, leafErr := k.renewed(held, now)
		return now, errors.Join(err, leafErr)
	}
	if err != nil {
		return now, err
	}
	k.authority.Store(authority)
	leaf, err := k.renewed(authority, now)
	if err != nil {
		return now, err
	}
	err = k.Publisher.Publish(ctx, NewBundle(now, authority.Certificate()))
	return renewal(leaf.Leaf), err
}

// GetCertificate is for tls.Config. Before the first pass it gives an error.
func (k *Keeper) GetCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return k.serving.get()
}

// Ready is nil when a caller that trusts what is published now would accept the
// leaf, and otherwise says what is missing.
func (k *Keeper) Ready(now time.Time) error {
	return k.serving.ready(func(leaf *tls.Certificate) error {
		var trusted Bundle
		if seen := k.trusted.Load(); seen != nil {
			trusted = *seen
		}
		return trusted.Verify(leaf, now)
	})
}

// agree returns the authority that all replicas sign with:
//
//	stored           held here   outcome
//	valid            –           taken over
//	none or expired  valid       what is held is stored again
//	none or expired  –           a new one is made and stored
//
// Whoever stores second gets a conflict and takes over what the first stored.
func (k *Keeper) agree(ctx context.Context, now time.Time) (*Authority, error) {
	for {
		state, err := k.Store.Load(ctx)
		if err != nil {
			return nil, err
		}
		if usable(state.Authority, now) {
			return state.Authority, nil
		}
		state.Authority = k.authority.Load()
		if !usable(state.Authority, now) {
			if state.Authority, err = NewAuthority(now, AuthorityLife); err != nil {
				return nil, err
			}
		}
		err = k.Store.Save(ctx, state)
		if err == nil {
			k.Log.Info("authority stored", "expires", state.Authority.certificate.NotAfter)
			return state.Authority, nil
		}
		if !errors.Is(err, ErrConflict) {
			return nil, err
		}
		if !pause(ctx, settle) {
			return nil, context.Cause(ctx)
		}
	}
}

func usable(a *Authority, now time.Time) bool { return a != nil && outside(a.certificate, now) == "" }

// renewed returns the leaf that is served from now on.
func (k *Keeper) renewed(authority *Authority, now time.Time) (*tls.Certificate, error) {
	leaf := k.serving.certificate()
	reason, due := "none yet", true
	if leaf != nil {
		reason, due = Due(leaf.Leaf, now)
		if !bytes.Equal(leaf.Leaf.AuthorityKeyId, authority.certificate.SubjectKeyId) {
			reason, due = "signed by another authority", true
		}
	}
	if !due {
		return leaf, nil
	}
	life := k.LeafLife
	if life == 0 {
		life = LeafLife
	}
	leaf, err := authority.Issue(now, k.Names, life)
	if err != nil {
		return nil, err
	}
	k.serving.serve(leaf)
	k.Log.Info("serving certificate issued", "reason", reason, "expires", leaf.Leaf.NotAfter)
	return leaf, nil
}

// pause waits for d and says whether ctx still goes on.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return ctx.Err() == nil
	}
}
