package certs

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"time"
)

// A Bundle is the authorities that callers are to trust, newest first. While one
// authority takes over from another it holds both.
type Bundle []*x509.Certificate

// NewBundle puts authorities in order, each once, and leaves out those that have
// expired at now; at the zero time none has.
func NewBundle(now time.Time, authorities ...*x509.Certificate) Bundle {
	var b Bundle
	for _, a := range authorities {
		if !now.After(a.NotAfter) && !b.Contains(a) {
			b = append(b, a)
		}
	}
	slices.SortStableFunc(b, func(x, y *x509.Certificate) int { return y.NotBefore.Compare(x.NotBefore) })
	return b
}

// ParseBundle reads the certificates in a PEM text, in the order that it has
// them. No text is an empty bundle; text without a certificate is refused.
func ParseBundle(text []byte) (Bundle, error) {
	var b Bundle
	for rest := bytes.TrimSpace(text); len(rest) > 0; rest = bytes.TrimSpace(rest) {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil || block.Type != "CERTIFICATE" {
			return nil, errors.New("CA bundle: not a PEM certificate")
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("CA bundle: %w", err)
		}
		b = append(b, c)
	}
	return b, nil
}

// PEM returns the bundle as a webhook configuration's caBundle wants it: the same
// bundle gives the same bytes.
func (b Bundle) PEM() []byte {
	var text []byte
	for _, c := range b {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
	}
	return text
}

// Contains says whether c itself is in the bundle.
func (b Bundle) Contains(c *x509.Certificate) bool { return slices.ContainsFunc(b, c.Equal) }

// intersect is the authorities that are in both.
func (b Bundle) intersect(other Bundle) Bundle {
	var both Bundle
	for _, c := range b {
		if other.Contains(c) {
			both = append(both, c)
		}
	}
	return both
}

// Verify says why a caller that trusts the bundle would refuse the serving
// certificate at now, or nil. Names are not looked at.
func (b Bundle) Verify(leaf *tls.Certificate, now time.Time) error {
	if reason := outside(leaf.Leaf, now); reason != "" {
		return fmt.Errorf("serving certificate: %s", reason)
	}
	if len(b) == 0 {
		return errors.New("CA bundle: empty")
	}
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	for _, c := range b {
		roots.AddCert(c)
	}
	for _, der := range leaf.Certificate[1:] {
		if c, err := x509.ParseCertificate(der); err == nil {
			between.AddCert(c)
		}
	}
	_, err := leaf.Leaf.Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: between, CurrentTime: now,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	})
	if err != nil {
		return fmt.Errorf("CA bundle: the serving certificate does not verify: %w", err)
	}
	return nil
}
