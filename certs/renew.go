package certs

import (
	"bytes"
	"context"
	"crypto/tls"
	"time"
)

// goOn renews the leaf by what is known already, without a call to anybody: the store
// may be away, or slow, for longer than a leaf lives. Should others have changed the
// authority meanwhile, callers still trust ours for a while, and after that we are
// not ready.
func (k *Keeper) goOn(now time.Time) error {
	k.renewing.Lock()
	defer k.renewing.Unlock()
	leaf, state := k.serving.certificate(), k.state.Load()
	if leaf == nil || !usable(state.Authority, now) || !signedBy(leaf, state.Authority) {
		return nil
	}
	return k.renew(*state, nil, now)
}

// goOnAlone renews the leaf while a pass is under way that takes long, until ctx ends.
func (k *Keeper) goOnAlone(ctx context.Context) {
	for pause(ctx, min(time.Hour, k.leafLife()/10)) {
		if err := k.goOn(time.Now()); err != nil {
			k.Log.Warn("serving certificate not renewed", "err", err)
		}
	}
}

func signedBy(leaf *tls.Certificate, a *Authority) bool {
	return bytes.Equal(leaf.Leaf.AuthorityKeyId, a.certificate.SubjectKeyId)
}

// renew serves a new leaf where one is due:
//
//	what is served                                              due
//	nothing                                                     yes
//	a leaf of the authority that signs                          as [Due] says
//	one of another that callers accept, and still will, while
//	not all of them have heard of the one that signs            no
//	one of another                                              yes
func (k *Keeper) renew(state State, trusted Bundle, now time.Time) error {
	authority := state.Authority
	leaf := k.serving.certificate()
	reason, due := "none yet", true
	if leaf != nil {
		reason, due = Due(leaf.Leaf, now)
		if !signedBy(leaf, authority) {
			accepted := trusted.Verify(leaf, now) == nil && state.Bundle().Verify(leaf, now) == nil
			reason, due = "another authority signs", !accepted || k.spread(authority, now)
		}
	}
	if !due {
		return nil
	}
	leaf, err := authority.Issue(now, k.Names, k.leafLife())
	if err != nil {
		return err
	}
	k.serving.serve(leaf)
	k.Log.Info("serving certificate issued", "reason", reason, "expires", leaf.Leaf.NotAfter)
	return nil
}
