package certs_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"outrigger.dev/outrigger/certs"
)

// told are callers who trust what they are told.
type told chan certs.Trust

func (c told) Watch(ctx context.Context, seen func(certs.Trust)) {
	for {
		select {
		case <-ctx.Done():
			return
		case trust := <-c:
			seen(trust)
		}
	}
}

func pairOf(t *testing.T, a *certs.Authority, now time.Time) certs.Pair {
	t.Helper()
	cert, key := issue(t, a, now, day)
	return certs.Pair{From: "somewhere", Cert: cert, Key: key}
}

func entries(bundles ...certs.Bundle) certs.Trust {
	var trust certs.Trust
	for _, b := range bundles {
		trust = append(trust, certs.Entry{Name: "entry " + string(rune('a'+len(trust))), Bundle: b})
	}
	return trust
}

// The certificate and what callers trust come by different ways. Whichever is first,
// what is served is what they accept.
func TestGivenServesWhatCallersAccept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old, next := newAuthority(t, time.Now(), 100*day), newAuthority(t, time.Now().Add(time.Second), 100*day)
		justOld, justNext := certs.NewBundle(time.Now(), old.Certificate()), certs.NewBundle(time.Now(), next.Certificate())
		callers := make(told)
		g := &certs.Given{Callers: callers, Strict: true}
		go g.Follow(t.Context())
		offer := func(a *certs.Authority) {
			t.Helper()
			if _, err := g.Offer(pairOf(t, a, time.Now()), time.Now()); err != nil {
				t.Fatal(err)
			}
		}
		serves := func(when string, a *certs.Authority, ready string) {
			t.Helper()
			synctest.Wait()
			if err := handshake(g.GetCertificate, certs.NewBundle(time.Now(), a.Certificate()), time.Now()); err != nil {
				t.Errorf("%s: %v", when, err)
			}
			got := ""
			if err := g.Ready(time.Now()); err != nil {
				got = err.Error()
			}
			if !strings.HasPrefix(got, ready) || ready == "" && got != "" {
				t.Errorf("%s: ready is %q, want %q", when, got, ready)
			}
		}
		offer(old)
		serves("before it is known what they trust", old, "CA bundle: not read yet")
		callers <- entries(nil, nil)
		serves("while nothing is written", old, "entry a: CA bundle: empty")
		callers <- entries(justOld, justOld)
		serves("once the bundle is there", old, "")
		offer(next)
		serves("a new certificate before its bundle", old, "")
		callers <- entries(justNext, justOld)
		serves("one of two entries has the new bundle, so one is lost either way", next, "entry b: CA bundle: the serving certificate does not verify")
		callers <- entries(justNext, justNext)
		serves("the bundle follows", next, "")
		callers <- entries(justOld, justOld)
		serves("the bundle goes back, and no certificate of it is left", next, "entry a: ")
		offer(old)
		serves("the certificate follows", old, "")
	})
}

func TestGivenSaysWhatCannotBeChecked(t *testing.T) {
	authority := newAuthority(t, now, 100*day)
	trusted := certs.NewBundle(now, authority.Certificate())
	stranger := certs.NewBundle(now, newAuthority(t, now, 100*day).Certificate())
	for name, tc := range map[string]struct {
		trust            certs.Trust
		ready, unchecked string
	}{
		"nothing: all is well":     {trust: entries(trusted)},
		"what may not be read":     {trust: certs.Trust{{Name: "w", Fault: certs.ErrNotAllowed}}, unchecked: "w: not allowed to read it"},
		"an entry without bundle":  {trust: entries(trusted, nil), unchecked: "entry b: has no caBundle, so the API server trusts what its system does"},
		"but the rest is":          {trust: entries(nil, stranger), ready: "entry b: CA bundle: the serving certificate does not verify", unchecked: "entry a: has no caBundle, so the API server trusts what its system does"},
		"a bundle of a stranger's": {trust: entries(stranger), ready: "entry a: CA bundle: the serving certificate does not verify"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				callers := make(told)
				g := &certs.Given{Callers: callers}
				go g.Follow(t.Context())
				if _, err := g.Offer(pairOf(t, authority, now), now); err != nil {
					t.Fatal(err)
				}
				callers <- tc.trust
				synctest.Wait()
				got := ""
				if err := g.Ready(now); err != nil {
					got = err.Error()
				}
				if !strings.HasPrefix(got, tc.ready) || tc.ready == "" && got != "" {
					t.Errorf("ready is %q, want %q", got, tc.ready)
				}
				if diff := cmp.Diff(tc.unchecked, g.Status().Unchecked); diff != "" {
					t.Errorf("unchecked (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestRefusalsAreCountedOnceEach(t *testing.T) {
	authority := newAuthority(t, now, 100*day)
	g := &certs.Given{}
	good, torn := pairOf(t, authority, now), pairOf(t, authority, now)
	torn.Key = good.Key
	for _, p := range []certs.Pair{good, torn, torn, good, torn} {
		_, _ = g.Offer(p, now)
	}
	if s := g.Status(); s.Refused != 2 || s.Served != 1 || s.Fault == nil {
		t.Errorf("%d served, %d refused, fault %v; want 1, 2, and why", s.Served, s.Refused, s.Fault)
	}
}

func TestStateSurvivesText(t *testing.T) {
	old, current, next := newAuthority(t, now, day), newAuthority(t, now, day), newAuthority(t, now, day)
	for name, state := range map[string]certs.State{
		"nothing":   {},
		"settled":   {Authority: current},
		"announced": {Authority: current, Next: next},
		"retiring":  {Authority: current, Retired: []certs.Retired{{Certificate: old.Certificate(), Until: now.Add(time.Hour)}}},
	} {
		t.Run(name, func(t *testing.T) {
			text, err := state.Text()
			if err != nil {
				t.Fatal(err)
			}
			again, err := certs.ParseState(text)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(state.Bundle().PEM()), string(again.Bundle().PEM())); diff != "" {
				t.Errorf("bundle (-want +got):\n%s", diff)
			}
			if again.Phase() != state.Phase() || len(again.Retired) != len(state.Retired) {
				t.Errorf("phase %q, %d retired", again.Phase(), len(again.Retired))
			}
			for i, r := range again.Retired {
				if !r.Until.Equal(state.Retired[i].Until) {
					t.Errorf("until %v, want %v", r.Until, state.Retired[i].Until)
				}
			}
		})
	}
}

func TestKeeperWithAClockThatIsBehindMakesNoAuthority(t *testing.T) {
	store := &memory{}
	store.put(newAuthority(t, now, 100*day))
	_, err := newKeeper(store, &board{}).Tend(t.Context(), now.Add(-day))
	if err == nil || !strings.Contains(err.Error(), "the clock of this machine is behind") || store.saved != 0 {
		t.Errorf("got %v, and %d stored", err, store.saved)
	}
}

func TestAuthorityIsChangedWhenItHasLivedTwoThirds(t *testing.T) {
	store := &memory{}
	store.put(newAuthority(t, now, 90*day))
	keeper := newKeeper(store, &board{})
	for at, want := range map[time.Duration]certs.Phase{0: certs.Settled, 59 * day: certs.Settled, 61 * day: certs.Announced} {
		store.mu.Lock()
		store.state.Next = nil
		store.mu.Unlock()
		if _, err := keeper.Tend(t.Context(), now.Add(at)); err != nil {
			t.Fatal(err)
		}
		if got := store.newest().Phase(); got != want {
			t.Errorf("after %v: %s, want %s", at, got, want)
		}
	}
}

// A changed folder is told of once it stands still.
func TestNotifyTellsOfAChange(t *testing.T) {
	dir := folder{t, t.TempDir()}
	changes, err := certs.Notify(t.Context(), dir.dir)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		dir.write(map[string][]byte{"tls.crt": []byte("x")})
		select {
		case <-changes:
		case <-time.After(30 * time.Second):
			t.Fatal("not told")
		}
	}
}
