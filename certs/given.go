package certs

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A Pair is a certificate that somebody else has issued, as PEM.
type Pair struct {
	// From says where it was found, for people.
	From string
	// Cert is the leaf first, then what lies between it and the authority.
	Cert, Key []byte
	// CA is what the leaf chains to; empty where that is not said.
	CA []byte
}

// Given serves what somebody else issues and renews. A pair that is not usable
// never takes the place of a good one, and neither does one that callers refuse
// while they accept what is served: an authority that has changed reaches them and
// us at different times. Its fields are set before Run and not changed afterwards;
// its methods are safe for concurrent use.
type Given struct {
	// Callers tells what they trust; nil where nobody does.
	Callers Watcher
	// Strict says that callers who were told nothing trust nothing. Otherwise they
	// may have been told what we do not see.
	Strict bool
	Log    *slog.Logger

	serving serving
	trust   atomic.Pointer[Trust]

	mu     sync.Mutex       // of what is offered and chosen
	newest *tls.Certificate // the last good one
	said   string
}

// Follow looks at what callers trust until ctx ends.
func (g *Given) Follow(ctx context.Context) {
	if g.Callers == nil {
		<-ctx.Done()
		return
	}
	g.Callers.Watch(ctx, func(t Trust) {
		g.trust.Store(&t)
		g.mu.Lock()
		defer g.mu.Unlock()
		g.choose(time.Now())
	})
}

// Offer takes a pair if it is good at now. changed says whether another certificate
// is served since. err is why the pair is not usable; it is logged once, and again
// when it is another.
func (g *Given) Offer(p Pair, now time.Time) (changed bool, err error) {
	leaf, err := p.parse(now)
	if err != nil {
		g.Refuse(err)
		return false, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.newest == nil || !same(g.newest, leaf) {
		g.newest = leaf
	}
	return g.choose(now), nil
}

// Refuse notes that there is nothing usable to offer.
func (g *Given) Refuse(err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.say(err) {
		g.serving.refuse()
	}
}

// say tells what is wrong, where that was not said before.
func (g *Given) say(err error) (news bool) {
	g.serving.blame(err)
	if g.said == err.Error() {
		return false
	}
	g.said = err.Error()
	if g.Log != nil {
		g.Log.Warn("certificate is not taken", "err", err)
	}
	return true
}

// choose serves the better of two:
//
//	callers                                            served
//	accept the newest good one, or it is not certain   the newest
//	refuse it, and accept what is served               stays
//	refuse both                                        the newest
func (g *Given) choose(now time.Time) (changed bool) {
	old := g.serving.certificate()
	if g.newest == nil {
		return false
	}
	if old != nil && same(old, g.newest) {
		g.clear()
		return false
	}
	if trust := g.trust.Load(); trust != nil && old != nil {
		why := g.verify(*trust, g.newest, now)
		if why != nil && g.verify(*trust, old, now) == nil {
			g.say(fmt.Errorf("the newest certificate is not served yet: %w", why))
			return false
		}
	}
	g.clear()
	g.serving.serve(g.newest)
	if g.Log != nil {
		g.Log.Info("serving certificate taken", "expires", g.newest.Leaf.NotAfter)
	}
	return true
}

// clear says that nothing is wrong.
func (g *Given) clear() {
	g.said = ""
	g.serving.blame(nil)
}

// verify says which caller refuses the leaf, as far as that can be said.
func (g *Given) verify(t Trust, leaf *tls.Certificate, now time.Time) error {
	if !g.Strict {
		if t, _ = t.checkable(); len(t) == 0 {
			return nil
		}
	}
	return t.Verify(leaf, now)
}

// GetCertificate is for tls.Config. Before a good pair was offered it gives an error.
func (g *Given) GetCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return g.serving.get()
}

// Ready is nil when a certificate is served that has not expired at now and that no
// caller refuses of whom it is known, and otherwise says what is wrong.
func (g *Given) Ready(now time.Time) error {
	return g.serving.ready(func(leaf *tls.Certificate) error {
		if reason := outside(leaf.Leaf, now); reason != "" {
			return fmt.Errorf("serving certificate: %s", reason)
		}
		trust := g.trust.Load()
		switch {
		case trust != nil:
			return g.verify(*trust, leaf, now)
		case g.Callers != nil:
			return Trust(nil).Verify(leaf, now)
		}
		return nil
	})
}

func same(a, b *tls.Certificate) bool {
	return slices.EqualFunc(a.Certificate, b.Certificate, bytes.Equal)
}

// parse reads a pair and judges it.
func (p Pair) parse(now time.Time) (*tls.Certificate, error) {
	if len(p.Cert) == 0 || len(p.Key) == 0 {
		return nil, fmt.Errorf("%s: has no certificate and key yet", p.From)
	}
	pair, err := tls.X509KeyPair(p.Cert, p.Key)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.From, err)
	}
	trusted, err := ParseBundle(p.CA)
	if err != nil {
		return nil, fmt.Errorf("%s: ca.crt: %w", p.From, err)
	}
	if reason := outside(pair.Leaf, now); reason != "" {
		return nil, fmt.Errorf("%s: %s", p.From, reason)
	}
	if len(pair.Leaf.DNSNames)+len(pair.Leaf.IPAddresses) == 0 {
		return nil, errors.New(p.From + ": has no subject alternative names, want the name that the API server calls")
	}
	if len(trusted) > 0 {
		if err := trusted.Verify(&pair, now); err != nil {
			return nil, fmt.Errorf("%s: %w", p.From, err)
		}
	}
	return &pair, nil
}
