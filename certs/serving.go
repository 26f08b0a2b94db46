package certs

import (
	"crypto/tls"
	"errors"
	"fmt"
	"sync"
)

// errNone is what a caller gets before there is anything to serve.
var errNone = errors.New("no serving certificate yet")

// serving is the certificate that is served now, and what went wrong when one was
// last looked for. It is safe for concurrent use.
type serving struct {
	mu    sync.RWMutex
	leaf  *tls.Certificate
	fault error
	// served and refused count certificates.
	served, refused uint64
}

// certificate returns what is served now, or nil.
func (s *serving) certificate() *tls.Certificate {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.leaf
}

// serve replaces what is served; handshakes under way keep what they have.
func (s *serving) serve(leaf *tls.Certificate) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leaf = leaf
	s.served++
}

// refuse counts a certificate that was not usable.
func (s *serving) refuse() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused++
}

// blame keeps err, or its absence, as the reason for what is missing.
func (s *serving) blame(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = err
}

// get is for tls.Config.GetCertificate.
func (s *serving) get() (*tls.Certificate, error) {
	if leaf := s.certificate(); leaf != nil {
		return leaf, nil
	}
	return nil, errNone
}

// ready says what is wrong with what is served, by judge, which is not asked
// where there is nothing to judge. Where something went wrong before, that is
// given as the cause.
func (s *serving) ready(judge func(leaf *tls.Certificate) error) error {
	s.mu.RLock()
	leaf, fault := s.leaf, s.fault
	s.mu.RUnlock()
	err := errNone
	if leaf != nil {
		err = judge(leaf)
	}
	if err != nil && fault != nil {
		return fmt.Errorf("%w: %w", err, fault)
	}
	return err
}
