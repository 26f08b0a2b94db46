package certs_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"outrigger.dev/outrigger/certs"
)

const (
	// leafLife is short, so that a whole rotation takes minutes.
	leafLife = 2 * time.Minute
	// lag is how far behind an API server may be with what it trusts.
	lag = 5 * time.Second
)

// A world has replicas that share a store and a board, with all that can go wrong
// between them, and holds them to the law: what a replica serves is accepted by
// every caller, also by one who has not heard of the last change yet.
type world struct {
	*testing.T
	store    *memory
	board    *board
	replicas []*replica
	// bundles are what was trusted, and until when it was.
	bundles []*inForce
	judged  map[verdict]bool
}

// A verdict is about a leaf, and who trusts a bundle.
type verdict struct {
	leaf *tls.Certificate
	by   *inForce
}

type inForce struct {
	bundle certs.Bundle
	until  time.Time
}

func newWorld(t *testing.T, replicas int, trouble func(*replica) func() trouble) *world {
	w := &world{T: t, store: &memory{}, board: &board{}, judged: map[verdict]bool{}}
	for i := range replicas {
		r := &replica{world: w, name: fmt.Sprint("replica ", i)}
		r.trouble = trouble(r)
		w.replicas = append(w.replicas, r)
		r.start()
	}
	return w
}

// pass lets time go by and watches.
func (w *world) pass(d time.Duration) {
	w.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); {
		time.Sleep(200 * time.Millisecond)
		w.note()
		for _, r := range w.replicas {
			w.judge(r)
		}
	}
}

// note keeps what is trusted now beside what was.
func (w *world) note() {
	now, bundle := time.Now(), w.board.trusted()
	if n := len(w.bundles); n == 0 || string(w.bundles[n-1].bundle.PEM()) != string(bundle.PEM()) {
		w.bundles = append(w.bundles, &inForce{bundle: bundle})
	}
	w.bundles[len(w.bundles)-1].until = now
	for now.Sub(w.bundles[0].until) > lag {
		w.bundles = w.bundles[1:]
	}
}

// judge holds a replica to the law, from when it has first been ready and callers
// have heard of it. While nothing is trusted there is no law.
func (w *world) judge(r *replica) {
	w.Helper()
	now := time.Now()
	leaf, err := r.keeper.GetCertificate(nil)
	if err != nil || !r.runs {
		return
	}
	if r.ready.IsZero() && r.keeper.Ready(now) == nil {
		r.ready = now
	}
	if r.ready.IsZero() || now.Sub(r.ready) <= lag {
		return
	}
	for _, b := range w.bundles {
		if len(b.bundle) > 0 && !w.accepts(b, leaf, now) {
			w.Fatalf("%s serves %v of %v, trusted %v ago by: %v", r.name, leaf.Leaf.NotBefore, leaf.Leaf.AuthorityKeyId, now.Sub(b.until), b.bundle.Verify(leaf, now))
		}
	}
}

// accepts is [certs.Bundle.Verify], remembered while the leaf is valid.
func (w *world) accepts(by *inForce, leaf *tls.Certificate, now time.Time) bool {
	v := verdict{leaf, by}
	if _, known := w.judged[v]; !known {
		w.judged[v] = by.bundle.Verify(leaf, now) == nil
	}
	return w.judged[v] && !now.After(leaf.Leaf.NotAfter)
}

// rotate asks for another authority, as an administrator does.
func (w *world) rotate() {
	w.store.mu.Lock()
	defer w.store.mu.Unlock()
	w.store.version++
	w.store.state.Rotate = true
	w.store.state.Version = fmt.Sprint(w.store.version)
}

// settled wants a change of the authority to have come to its end, and everybody ready.
func (w *world) settled(before certs.State) {
	w.Helper()
	state := w.store.newest()
	same := state.Authority.Certificate().Equal(before.Authority.Certificate())
	if state.Phase() != certs.Settled || same {
		w.Errorf("phase %q, by the old authority: %t", state.Phase(), same)
	}
	if n := len(w.board.trusted()); n != 1 {
		w.Errorf("%d authorities are trusted, want one", n)
	}
	for _, r := range w.replicas {
		if err := r.keeper.Ready(time.Now()); err != nil {
			w.Errorf("%s: %v", r.name, err)
		}
	}
}

func (w *world) end() {
	for _, r := range w.replicas {
		r.stop()
	}
}

// A replica is a keeper, and another one after each crash.
type replica struct {
	*world
	name    string
	trouble func() trouble
	keeper  *certs.Keeper
	runs    bool
	// ready is when it first was, since it was started.
	ready  time.Time
	cancel context.CancelFunc
	done   chan struct{}
}

// trouble is what a call to the API server meets.
type trouble struct {
	delay time.Duration
	// before and after are errors without the effect and in spite of it.
	before, after bool
	// crash ends the replica, too.
	crash bool
}

func (r *replica) start() {
	r.keeper = newKeeper(troubled{r, r.store}, troubledBoard{r})
	r.keeper.LeafLife = leafLife
	var ctx context.Context
	ctx, r.cancel = context.WithCancel(r.Context())
	r.runs, r.ready, r.done = true, time.Time{}, make(chan struct{})
	go func() {
		defer close(r.done)
		_ = r.keeper.Run(ctx)
	}()
}

func (r *replica) stop() {
	r.runs = false
	r.cancel()
	<-r.done
}

// crash ends the replica at once; another takes its place in two seconds.
func (r *replica) crash() {
	r.runs = false
	r.cancel()
	done := r.done
	go func() {
		<-done
		time.Sleep(2 * time.Second)
		r.start()
	}()
}

var errTrouble = errors.New("connection reset by peer")

// call makes a call to the API server, with its trouble.
func (r *replica) call(ctx context.Context, effect func() error) error {
	met := r.trouble()
	time.Sleep(met.delay)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if met.before {
		if met.crash {
			r.crash()
		}
		return errTrouble
	}
	err := effect()
	if met.crash {
		r.crash()
	}
	if met.after {
		return errTrouble
	}
	return err
}

// troubled is the store as a replica reaches it.
type troubled struct {
	*replica
	certs.Store
}

func (s troubled) Load(ctx context.Context) (state certs.State, err error) {
	err = s.call(ctx, func() (err error) { state, err = s.Store.Load(ctx); return err })
	return state, err
}

func (s troubled) Save(ctx context.Context, state certs.State) error {
	return s.call(ctx, func() error { return s.Store.Save(ctx, state) })
}

// troubledBoard is the board as a replica reaches it.
type troubledBoard struct{ *replica }

func (b troubledBoard) Publish(ctx context.Context, decide func(certs.Trust) (certs.Bundle, error)) error {
	for {
		var seen certs.Trust
		var version int
		err := b.call(ctx, func() error {
			b.board.mu.Lock()
			defer b.board.mu.Unlock()
			seen, version = b.board.trust(), b.board.version
			return nil
		})
		if err != nil {
			seen = certs.Trust{{Name: "board", Fault: err}}
		}
		bundle, decided := decide(seen)
		if err = errors.Join(err, decided); err != nil {
			return err
		}
		var done bool
		if err := b.call(ctx, func() (err error) { done, err = b.board.write(bundle, version); return err }); done || err != nil {
			return err
		}
	}
}

func (b troubledBoard) Watch(ctx context.Context, seen func(certs.Trust)) { b.board.Watch(ctx, seen) }

// none is a world where nothing goes wrong.
func none(*replica) func() trouble { return func() trouble { return trouble{} } }

func TestRotationTakesTwoPhases(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 3, none)
		defer w.end()
		w.pass(time.Minute)
		before := w.store.newest()
		w.rotate()
		var phases []certs.Phase
		for range 4 * 60 {
			w.pass(time.Second)
			if phase := w.store.newest().Phase(); len(phases) == 0 || phases[len(phases)-1] != phase {
				phases = append(phases, phase)
			}
		}
		if got, want := fmt.Sprint(phases), "[announced retiring settled]"; got != want && got != "[settled announced retiring settled]" {
			t.Errorf("phases %s, want %s", got, want)
		}
		w.settled(before)
		if w.board.written != 3 {
			t.Errorf("%d bundles written, want the first, both and the last", w.board.written)
		}
	})
}

// Whoever rotates is killed at its nth call, before it has had its effect and after.
func TestRotationResumesWhereverItIsKilled(t *testing.T) {
	for n := 1; n <= 30; n++ {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprintf("at call %d, after %t", n, after), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					calls, armed := 0, false
					w := newWorld(t, 2, func(*replica) func() trouble {
						return func() trouble {
							if !armed {
								return trouble{}
							}
							calls++
							return trouble{delay: 10 * time.Millisecond, before: !after && calls == n, after: after && calls == n, crash: calls == n}
						}
					})
					defer w.end()
					w.pass(20 * time.Second)
					before := w.store.newest()
					armed = true
					w.rotate()
					w.pass(5 * time.Minute)
					if calls < n {
						t.Fatalf("%d calls only", calls)
					}
					w.settled(before)
				})
			})
		}
	}
}

// All replicas meet slow and failing calls, conflicts and crashes, for two rotations
// and a lost store.
func TestRotationHoldsInAnyOrderOfEvents(t *testing.T) {
	for seed := range uint64(30) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				random, calm := rand.New(rand.NewPCG(seed, 7)), false
				w := newWorld(t, 3, func(*replica) func() trouble {
					return func() trouble {
						if calm {
							return trouble{}
						}
						delay := time.Duration(random.IntN(3000)) * time.Millisecond
						if random.IntN(30) == 0 {
							delay = 25 * time.Second
						}
						return trouble{
							delay:  delay,
							before: random.IntN(12) == 0, after: random.IntN(12) == 0, crash: random.IntN(60) == 0,
						}
					}
				})
				defer w.end()
				for range 3 {
					w.pass(time.Duration(30+random.IntN(120)) * time.Second)
					if w.store.newest().Authority != nil {
						w.rotate()
					}
				}
				before := w.store.newest()
				w.pass(time.Minute)
				calm = true
				w.pass(7 * time.Minute)
				w.settled(before)
			})
		})
	}
}

// A replica that does not reach the store while others rotate serves by the old
// authority for as long as it is trusted, and says that it is not ready after that.
func TestReplicaWithoutStoreIsNeverWrongAboutBeingReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		away := false
		w := newWorld(t, 2, func(r *replica) func() trouble {
			return func() trouble { return trouble{before: away && r.name == "replica 1"} }
		})
		defer w.end()
		w.pass(time.Minute)
		away = true
		w.rotate()
		cut := w.replicas[1]
		for range 15 * 60 {
			time.Sleep(time.Second)
			w.note()
			w.judge(w.replicas[0])
			if cut.keeper.Ready(time.Now()) == nil {
				w.judge(cut)
			}
		}
		if err := cut.keeper.Ready(time.Now()); err == nil {
			t.Error("ready with a leaf of an authority that is retired")
		}
		away = false
		time.Sleep(2 * time.Minute)
		if err := cut.keeper.Ready(time.Now()); err != nil {
			t.Errorf("once the store is back: %v", err)
		}
	})
}

// The Secret is deleted while one replica serves, and a new one starts that has
// nothing to put back: both are trusted.
func TestLostStoreLeavesNobodyBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		blind := true
		w := newWorld(t, 2, func(r *replica) func() trouble {
			return func() trouble { return trouble{before: blind && r.name == "replica 1"} }
		})
		defer w.end()
		w.pass(time.Minute + 400*time.Millisecond) // the first has just looked
		before := w.store.newest()
		w.store.mu.Lock()
		w.store.put(nil)
		w.store.mu.Unlock()
		blind = false
		w.pass(6 * time.Minute)
		w.settled(before)
	})
}
