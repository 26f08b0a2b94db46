package certs

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"time"
)

// The keys of a state as text. Those of the authority that signs are what a Secret
// of type kubernetes.io/tls has to have.
const (
	authorityCert, authorityKey = "tls.crt", "tls.key"
	nextCert, nextKey           = "next.crt", "next.key"
	retiredCerts                = "retired.crt"
	// untilHeader is a PEM header of a retired certificate.
	untilHeader = "Trusted-Until"
)

// Text returns what a state holds as PEM, by key; what it does not hold is an empty
// text. Rotate and Version are not in it. The keys are secrets.
func (s State) Text() (map[string][]byte, error) {
	text := map[string][]byte{retiredCerts: nil}
	for _, a := range []struct {
		authority *Authority
		cert, key string
	}{{s.Authority, authorityCert, authorityKey}, {s.Next, nextCert, nextKey}} {
		text[a.cert], text[a.key] = nil, nil
		if a.authority == nil {
			continue
		}
		var err error
		if text[a.cert], text[a.key], err = a.authority.PEM(); err != nil {
			return nil, err
		}
	}
	for _, r := range s.Retired {
		text[retiredCerts] = append(text[retiredCerts], pem.EncodeToMemory(&pem.Block{
			Type: "CERTIFICATE", Headers: map[string]string{untilHeader: stamp(r.Until)}, Bytes: r.Certificate.Raw,
		})...)
	}
	return text, nil
}

// ParseState reads what [State.Text] gave. Other keys are passed over, and a text
// that is missing is as an empty one.
func ParseState(text map[string][]byte) (s State, err error) {
	if s.Authority, err = parseHeld(text, authorityCert, authorityKey); err != nil {
		return State{}, err
	}
	if s.Next, err = parseHeld(text, nextCert, nextKey); err != nil {
		return State{}, err
	}
	s.Retired, err = parseRetired(text[retiredCerts])
	return s, err
}

// parseHeld reads an authority, nil where there is none.
func parseHeld(text map[string][]byte, cert, key string) (*Authority, error) {
	if len(text[cert]) == 0 && len(text[key]) == 0 {
		return nil, nil
	}
	a, err := ParseAuthority(text[cert], text[key])
	if err != nil {
		return nil, fmt.Errorf("%w; take out %s and %s, and a new authority is made", err, cert, key)
	}
	return a, nil
}

func parseRetired(text []byte) (all []Retired, err error) {
	for len(text) > 0 {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			return nil, errors.New(retiredCerts + ": not a PEM certificate; take it out")
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("%s: %w; take it out", retiredCerts, err)
		}
		until, err := time.Parse(time.RFC3339, block.Headers[untilHeader])
		if err != nil {
			until = c.NotAfter
		}
		all = append(all, Retired{Certificate: c, Until: until})
	}
	return all, nil
}
