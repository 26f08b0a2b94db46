package certs

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

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

	// spread is how long callers must have trusted an authority before it signs.
	// Each API server reads its webhook configurations from a cache of its own,
	// and none is known to be further behind than a second or two.
	spread = 15 * time.Second

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
	// LeafLife is how long a leaf lives; 0 means [LeafLife]. Replicas should agree.
	LeafLife time.Duration
	Log      *slog.Logger
	// Wrong, if set, is called when what is wrong with a pass has changed; with nil
	// when nothing is wrong any more.
	Wrong func(ctx context.Context, err error)

	serving serving
	state   atomic.Pointer[State] // as it was last loaded or saved
	trust   atomic.Pointer[Trust] // as it was last watched
	// renewing is held while it is judged whether the leaf is due, and what is
	// known of the authority changes.
	renewing sync.Mutex

	// The rest belongs to Tend.

	// since is from when on every caller has trusted an authority, by its DER.
	since map[string]time.Time
	wrong string
}

// Run keeps everything in order until ctx ends; then it returns nil. What goes
// wrong is logged and tried again.
func (k *Keeper) Run(ctx context.Context) error {
	changed := make(chan struct{}, 1)
	var watch sync.WaitGroup
	defer watch.Wait()
	watch.Go(func() {
		k.Publisher.Watch(ctx, func(t Trust) {
			k.trust.Store(&t)
			select {
			case changed <- struct{}{}:
			default:
			}
		})
	})
	watch.Go(func() { k.goOnAlone(ctx) })
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
			wait, retry = min(max(wait, retryFirst), retry), min(2*retry, retryLast)
		}
		if ctx.Err() == nil {
			k.tell(ctx, err)
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

// tell passes on what is wrong where that has changed.
func (k *Keeper) tell(ctx context.Context, err error) {
	wrong := ""
	if err != nil {
		wrong = err.Error()
	}
	if wrong != k.wrong && k.Wrong != nil {
		k.Wrong(ctx, err)
	}
	k.wrong = wrong
}

// Tend makes one pass: it takes over the stored state or takes it one step
// further, renews the leaf where it is due, and publishes the bundle. Doing it
// again changes nothing. next is when there is something to do without an event.
// Passes do not overlap.
func (k *Keeper) Tend(ctx context.Context, now time.Time) (next time.Time, err error) {
	lasting := k.goOn(now)
	before := k.serving.certificate()
	err = k.Publisher.Publish(ctx, func(trust Trust) (Bundle, error) {
		trusted := trust.Common()
		k.listen(trusted, now)
		state, err := k.agree(ctx, trusted, now)
		if err != nil {
			return nil, err
		}
		k.renewing.Lock()
		defer k.renewing.Unlock()
		k.state.Store(&state)
		if leaf := k.serving.certificate(); leaf != before && signedBy(leaf, state.Authority) {
			return state.Bundle(), nil // renewed since the pass began, by a clock that is later than now
		}
		return state.Bundle(), k.renew(state, trusted, now)
	})
	err = errors.Join(lasting, err)
	k.serving.blame(err)
	return k.nextStep(now), err
}

// nextStep is when there is something to do by the clock alone.
func (k *Keeper) nextStep(now time.Time) time.Time {
	leaf, state := k.serving.certificate(), k.state.Load()
	if leaf == nil || state == nil {
		return now
	}
	at := renewal(leaf.Leaf)
	for _, since := range k.since {
		if trusted := since.Add(spread); trusted.After(now) {
			at = earliest(at, trusted)
		}
	}
	for _, r := range state.Retired {
		at = earliest(at, r.Until.Add(time.Millisecond))
	}
	return at
}

// agree returns the state that all replicas go by, after it has been taken as far
// as it goes now. Whoever saves second gets a conflict and goes by what the first saved.
func (k *Keeper) agree(ctx context.Context, trusted Bundle, now time.Time) (State, error) {
	var held *Authority
	if state := k.state.Load(); state != nil {
		held = state.Authority
	}
	for {
		state, err := k.Store.Load(ctx)
		if err != nil {
			return State{}, err
		}
		life := k.leafLife()
		further, why, err := state.advance(facts{
			now: now, held: held, trusted: trusted, spread: state.Next != nil && k.spread(state.Next, now),
			leafLife: life, linger: patience + backdated(life),
		})
		if err != nil || why == "" {
			return state, err
		}
		switch err := k.Store.Save(ctx, further); {
		case err == nil:
			k.Log.Info("authority: "+why, "phase", further.Phase(), "expires", further.Authority.certificate.NotAfter)
		case !errors.Is(err, ErrConflict):
			return State{}, err
		case !pause(ctx, settle):
			return State{}, context.Cause(ctx)
		}
	}
}

// listen notes what every caller trusts.
func (k *Keeper) listen(trusted Bundle, now time.Time) {
	before := k.since
	k.since = make(map[string]time.Time, len(trusted))
	for _, c := range trusted {
		since, known := before[string(c.Raw)]
		if !known {
			since = now
		}
		k.since[string(c.Raw)] = since
	}
}

// spread says whether every caller has trusted an authority for long enough.
func (k *Keeper) spread(a *Authority, now time.Time) bool {
	since, trusted := k.since[string(a.certificate.Raw)]
	return trusted && now.Sub(since) >= spread
}

func (k *Keeper) leafLife() time.Duration {
	if k.LeafLife == 0 {
		return LeafLife
	}
	return k.LeafLife
}

// GetCertificate is for tls.Config. Before the first pass it gives an error.
func (k *Keeper) GetCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return k.serving.get()
}

// Ready is nil when every caller, by what it trusts now, would accept the leaf,
// and otherwise says which would not.
func (k *Keeper) Ready(now time.Time) error {
	return k.serving.ready(func(leaf *tls.Certificate) error {
		var trust Trust
		if seen := k.trust.Load(); seen != nil {
			trust = *seen
		}
		return trust.Verify(leaf, now)
	})
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
