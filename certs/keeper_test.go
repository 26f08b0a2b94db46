package certs_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"outrigger.dev/outrigger/certs"
)

func newKeeper(store certs.Store, publisher certs.Publisher) *certs.Keeper {
	return &certs.Keeper{
		Store: store, Publisher: publisher,
		Names: certs.ServiceNames("outrigger-injector", "outrigger-system"),
		Log:   slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
}

// run runs keepers until the returned function is called, which waits for them.
func run(t *testing.T, keepers ...*certs.Keeper) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for _, k := range keepers {
		all.Go(func() {
			if err := k.Run(ctx); err != nil {
				t.Errorf("run: %v", err)
			}
		})
	}
	return func() { cancel(); all.Wait() }
}

func serial(t *testing.T, k *certs.Keeper) string {
	t.Helper()
	leaf, err := k.GetCertificate(nil)
	if err != nil {
		t.Fatal(err)
	}
	return leaf.Leaf.SerialNumber.String()
}

func TestReplicasThatStartTogetherAgreeOnOneAuthority(t *testing.T) {
	store, published := &memory{}, &board{}
	// Nobody saves before everybody has seen that nothing is stored.
	var empty sync.WaitGroup
	empty.Add(5)
	var once [5]sync.Once
	keepers := make([]*certs.Keeper, 5)
	for i := range keepers {
		keepers[i] = newKeeper(&together{memory: store, wait: func() {
			once[i].Do(func() { empty.Done(); empty.Wait() })
		}}, published)
	}
	var all sync.WaitGroup
	for _, k := range keepers {
		all.Go(func() {
			if _, err := k.Tend(t.Context(), now); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()

	if store.saved != 1 || published.written != 1 {
		t.Errorf("%d authorities stored and %d bundles written, want one of each", store.saved, published.written)
	}
	leaves := map[string]bool{}
	for _, k := range keepers {
		leaves[serial(t, k)] = true
		if err := handshake(k.GetCertificate, published.trusted(), now); err != nil {
			t.Error(err)
		}
	}
	if len(leaves) != 5 {
		t.Errorf("%d leaves, want each replica's own", len(leaves))
	}
}

// together is a memory whose readers wait for one another.
type together struct {
	*memory
	wait func()
}

func (s *together) Load(ctx context.Context) (certs.State, error) {
	state, err := s.memory.Load(ctx)
	s.wait()
	return state, err
}

func TestTend(t *testing.T) {
	expired, valid := newAuthority(t, now.Add(-2*day), day), newAuthority(t, now, 100*day)
	for name, tc := range map[string]struct {
		stored, held *certs.Authority
		want         *certs.Authority // nil: a new one
		wantSaved    int
	}{
		"makes an authority where none is stored":         {nil, nil, nil, 1},
		"takes over the stored one":                       {valid, nil, valid, 0},
		"replaces the stored one when it has expired":     {expired, nil, nil, 1},
		"puts back what it holds when the store lost it":  {nil, valid, valid, 1},
		"takes over what others stored, whatever it held": {valid, newAuthority(t, now, day), valid, 0},
		"puts back what it holds over an expired one":     {expired, valid, valid, 1},
	} {
		t.Run(name, func(t *testing.T) {
			store, published := &memory{}, &board{}
			keeper := newKeeper(store, published)
			if tc.held != nil {
				store.put(tc.held)
				if _, err := keeper.Tend(t.Context(), now); err != nil {
					t.Fatal(err)
				}
			}
			store.put(tc.stored)
			if _, err := keeper.Tend(t.Context(), now); err != nil {
				t.Fatal(err)
			}
			state, _ := store.Load(t.Context())
			for _, other := range []*certs.Authority{tc.stored, tc.held, tc.want} {
				same := other != nil && other.Certificate().Equal(state.Authority.Certificate())
				if want := other != nil && other == tc.want; same != want {
					t.Errorf("kept %v, want %v", state.Authority.Certificate().NotBefore, tc.want)
				}
			}
			if store.saved != tc.wantSaved {
				t.Errorf("stored %d times, want %d", store.saved, tc.wantSaved)
			}
			want := certs.NewBundle(now, state.Authority.Certificate())
			if diff := cmp.Diff(string(want.PEM()), string(published.trusted().PEM())); diff != "" {
				t.Errorf("published (-want +got):\n%s", diff)
			}
			if err := handshake(keeper.GetCertificate, published.trusted(), now); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestTendTwiceChangesNothing(t *testing.T) {
	store, published := &memory{}, &board{}
	keeper := newKeeper(store, published)
	next, err := keeper.Tend(t.Context(), now)
	if err != nil {
		t.Fatal(err)
	}
	first := serial(t, keeper)
	if _, err := keeper.Tend(t.Context(), next.Add(-time.Second)); err != nil {
		t.Fatal(err)
	}
	if serial(t, keeper) != first || store.saved != 1 || published.written != 1 {
		t.Error("a second pass before the leaf is due made something new")
	}
	if _, err := keeper.Tend(t.Context(), next); err != nil {
		t.Fatal(err)
	}
	if serial(t, keeper) == first || store.saved != 1 || published.written != 1 {
		t.Error("want a new leaf, and only that, once it is due")
	}
	if err := handshake(keeper.GetCertificate, published.trusted(), next); err != nil {
		t.Error(err)
	}
}

func TestKeeperRenewsWhatItHasWhileTheStoreIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, published := &memory{}, &board{}
		keeper := newKeeper(store, published)
		defer run(t, keeper)()
		synctest.Wait()
		store.mu.Lock()
		store.fault = errors.New("connection refused")
		store.mu.Unlock()
		time.Sleep(certs.LeafLife + day)
		if err := keeper.Ready(time.Now()); err != nil {
			t.Errorf("not ready: %v", err)
		}
		if err := handshake(keeper.GetCertificate, published.trusted(), time.Now()); err != nil {
			t.Error(err)
		}
	})
}

// A store that does not answer holds up a pass, and no renewal: leaves may live for less than
// an API server that is overloaded takes.
func TestKeeperRenewsWhatItHasWhileTheStoreHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, published := &memory{}, &board{}
		keeper := newKeeper(store, published)
		keeper.LeafLife = 15 * time.Second
		store.loaded = func() { time.Sleep(25 * time.Second) }
		defer run(t, keeper)()
		time.Sleep(time.Minute) // it is asked twice for the first leaf
		leaves := map[string]bool{}
		for range 300 {
			time.Sleep(time.Second)
			leaves[serial(t, keeper)] = true
			if err := handshake(keeper.GetCertificate, published.trusted(), time.Now()); err != nil {
				t.Fatal(err)
			}
		}
		if len(leaves) < 20 || len(leaves) > 35 {
			t.Errorf("%d leaves in five minutes, want one every ten seconds or so", len(leaves))
		}
	})
}

func TestKeeperRenewsItsLeafAndNothingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		published := &board{}
		keeper := newKeeper(&memory{}, published)
		defer run(t, keeper)()
		leaves := map[string]bool{}
		for range 45 {
			time.Sleep(day)
			leaves[serial(t, keeper)] = true
			if err := keeper.Ready(time.Now()); err != nil {
				t.Fatal(err)
			}
			if err := handshake(keeper.GetCertificate, published.trusted(), time.Now()); err != nil {
				t.Fatal(err)
			}
		}
		if len(leaves) != 3 || published.written != 1 {
			t.Errorf("%d leaves and %d bundles, want a leaf every 20 days and one bundle", len(leaves), published.written)
		}
	})
}

func TestKeeperPutsBackAWipedBundle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		published := &board{}
		keepers := []*certs.Keeper{newKeeper(&memory{}, published)}
		keepers = append(keepers, newKeeper(keepers[0].Store, published))
		defer run(t, keepers...)()
		time.Sleep(time.Second)
		before := string(published.trusted().PEM())
		published.wipe()
		time.Sleep(time.Second)
		if diff := cmp.Diff(before, string(published.trusted().PEM())); diff != "" {
			t.Errorf("after a second (-before +after):\n%s", diff)
		}
		for _, k := range keepers {
			if err := k.Ready(time.Now()); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestReplicasFollowAnAuthorityThatOneOfThemStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, published := &memory{}, &board{}
		keepers := []*certs.Keeper{newKeeper(store, published), newKeeper(store, published)}
		defer run(t, keepers...)()
		time.Sleep(time.Second)
		store.mu.Lock()
		store.put(newAuthority(t, time.Now(), day))
		store.mu.Unlock()
		time.Sleep(2 * time.Minute)
		for _, k := range keepers {
			if err := k.Ready(time.Now()); err != nil {
				t.Error(err)
			}
			if err := handshake(k.GetCertificate, published.trusted(), time.Now()); err != nil {
				t.Error(err)
			}
		}
		if published.written != 2 {
			t.Errorf("%d bundles written, want the first and the one that follows", published.written)
		}
	})
}

func TestKeeperWithoutNamesSaysSo(t *testing.T) {
	keeper := newKeeper(&memory{}, &board{})
	keeper.Names = nil
	if _, err := keeper.Tend(t.Context(), now); err == nil || !strings.Contains(err.Error(), "no names") {
		t.Errorf("got %v", err)
	}
}
