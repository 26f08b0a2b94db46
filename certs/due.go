package certs

import (
	"crypto/x509"
	"fmt"
	"time"
)

// Due says whether a certificate is to be renewed at now, and why:
//
//	the certificate                    due
//	is not valid yet                   yes
//	has expired                        yes
//	has lived two thirds of its life   yes
//	none of these                      no
//
// Two thirds leave the last third for whoever has to mend a renewal that fails.
func Due(c *x509.Certificate, now time.Time) (reason string, due bool) {
	if reason := outside(c, now); reason != "" {
		return reason, true
	}
	if at := renewal(c); !now.Before(at) {
		return "has lived two thirds of its life at " + stamp(at), true
	}
	return "", false
}

// renewal is the moment from which a certificate is due.
func renewal(c *x509.Certificate) time.Time {
	return c.NotBefore.Add(c.NotAfter.Sub(c.NotBefore) / 3 * 2)
}

// outside says how now lies outside a certificate's life, or "".
func outside(c *x509.Certificate, now time.Time) string {
	switch {
	case now.Before(c.NotBefore):
		return fmt.Sprintf("is not valid before %s", stamp(c.NotBefore))
	case now.After(c.NotAfter):
		return fmt.Sprintf("expired at %s", stamp(c.NotAfter))
	}
	return ""
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
