package certs_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"outrigger.dev/outrigger/certs"
)

func pairPEM(t *testing.T, pair *tls.Certificate) (cert, key []byte) {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range pair.Certificate {
		cert = append(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c})...)
	}
	return cert, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

func TestNewBundle(t *testing.T) {
	old := newAuthority(t, now.Add(-10*day), 20*day).Certificate()
	young := newAuthority(t, now.Add(-day), 20*day).Certificate()
	expired := newAuthority(t, now.Add(-10*day), day).Certificate()

	for name, tc := range map[string]struct {
		in   []*x509.Certificate
		want certs.Bundle
	}{
		"of nothing is empty":              {nil, nil},
		"has the newest first":             {[]*x509.Certificate{old, young}, certs.Bundle{young, old}},
		"leaves out what has expired":      {[]*x509.Certificate{expired, old}, certs.Bundle{old}},
		"has each authority only one time": {[]*x509.Certificate{old, young, old}, certs.Bundle{young, old}},
	} {
		t.Run(name, func(t *testing.T) {
			got := certs.NewBundle(now, tc.in...)
			if diff := cmp.Diff(string(tc.want.PEM()), string(got.PEM())); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			again, err := certs.ParseBundle(got.PEM())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(got.PEM()), string(again.PEM())); diff != "" {
				t.Errorf("after PEM (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseBundleRefuses(t *testing.T) {
	authority := newAuthority(t, now, day)
	cert, key, _ := authority.PEM()
	for name, text := range map[string][]byte{
		"text that is no PEM":                []byte("cabundle"),
		"a private key":                      key,
		"a certificate and then something":   append(cert, 'x'),
		"PEM that holds no real certificate": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")}),
	} {
		t.Run(name, func(t *testing.T) {
			if b, err := certs.ParseBundle(text); err == nil {
				t.Errorf("got %d certificates, want an error", len(b))
			}
		})
	}
}

func TestBundleVerifies(t *testing.T) {
	first, second := newAuthority(t, now, 10*day), newAuthority(t, now.Add(time.Hour), 10*day)
	leaf, err := first.Issue(now, []string{"a"}, day)
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		bundle certs.Bundle
		at     time.Time
		want   bool
	}{
		"a leaf of its only authority": {certs.NewBundle(now, first.Certificate()), now, true},
		"a leaf of the older of two":   {certs.NewBundle(now, first.Certificate(), second.Certificate()), now, true},
		"not a leaf of another":        {certs.NewBundle(now, second.Certificate()), now, false},
		"not an expired leaf":          {certs.NewBundle(now, first.Certificate()), now.Add(2 * day), false},
		"nothing when it is empty":     {nil, now, false},
	} {
		t.Run(name, func(t *testing.T) {
			if err := tc.bundle.Verify(leaf, tc.at); (err == nil) != tc.want {
				t.Errorf("got %v, want verified %v", err, tc.want)
			}
		})
	}
}
