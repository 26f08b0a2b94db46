package certs

import "crypto/x509"

// A Status is what there is to say about what is served, at one time.
type Status struct {
	// Leaf is what is served; nil for nothing yet.
	Leaf *x509.Certificate
	// Authority is our own that signs, and Phase how far a change of it is; nil and
	// "" where others sign, or none is known yet.
	Authority *x509.Certificate
	Phase     Phase
	// Fault is what was wrong when it was last looked after; nil for nothing.
	Fault error
	// Unchecked is why it is not certain what every caller trusts; "" where it is.
	Unchecked string
	// Served and Refused count the certificates that were served since the start,
	// and those that were not usable.
	Served, Refused uint64
}

// status is what a serving can say.
func (s *serving) status() Status {
	s.mu.RLock()
	defer s.mu.RUnlock()
	status := Status{Fault: s.fault, Served: s.served, Refused: s.refused}
	if s.leaf != nil {
		status.Leaf = s.leaf.Leaf
	}
	return status
}

// Status is what there is to say now.
func (k *Keeper) Status() Status {
	status := k.serving.status()
	if state := k.state.Load(); state != nil {
		status.Authority, status.Phase = state.Authority.certificate, state.Phase()
	}
	return status
}

// Status is what there is to say now.
func (g *Given) Status() Status {
	status := g.serving.status()
	if trust := g.trust.Load(); trust == nil {
		status.Unchecked = "nobody says what callers trust"
		if g.Callers != nil {
			status.Unchecked = "not read yet"
		}
	} else if !g.Strict {
		_, status.Unchecked = trust.checkable()
	}
	return status
}
