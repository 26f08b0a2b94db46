package certs

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"time"
)

const (
	// AuthorityLife is how long a new authority lives. It signs nothing but our
	// own leaves and is trusted nowhere but in our webhook configurations, so a
	// short life would buy rotations and no safety.
	AuthorityLife = 10 * 365 * 24 * time.Hour

	// LeafLife is how long a leaf lives unless a Keeper says otherwise. Leaves are
	// renewed at two thirds of it, in memory.
	LeafLife = 30 * 24 * time.Hour

	// skew is how far a certificate is backdated, for callers whose clock is
	// behind ours, if it lives for long enough.
	skew = 5 * time.Minute
)

// backdated is how far a certificate with such a life is backdated: never so far
// that it would count as old when it is new.
func backdated(life time.Duration) time.Duration { return min(skew, life/10) }

// subject is that of every authority of ours.
var subject = pkix.Name{Organization: []string{"outrigger.dev"}, CommonName: "outrigger-injector authority"}

// ours says whether an authority is one that some server of ours made.
func ours(c *x509.Certificate) bool { return c.Subject.String() == subject.String() }

// An Authority signs serving certificates. It is immutable and safe for
// concurrent use.
type Authority struct {
	certificate *x509.Certificate
	key         crypto.Signer
}

// NewAuthority makes an authority with a new ECDSA P-256 key that is valid from
// just before now until now plus life.
func NewAuthority(now time.Time, life time.Duration) (*Authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("authority: key: %w", err)
	}
	template := &x509.Certificate{
		Subject:               subject,
		NotBefore:             now.Add(-backdated(life)),
		NotAfter:              now.Add(life),
		IsCA:                  true,
		MaxPathLenZero:        true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign,
	}
	certificate, err := sign(template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("authority: %w", err)
	}
	return &Authority{certificate: certificate, key: key}, nil
}

// ParseAuthority reads what [Authority.PEM] wrote. A pair that does not belong
// together or may not sign certificates is refused; one that has expired is not,
// because that is for the caller to judge.
func ParseAuthority(certPEM, keyPEM []byte) (*Authority, error) {
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		return nil, fmt.Errorf("authority: %w", err)
	}
	if !pair.Leaf.IsCA || pair.Leaf.KeyUsage&x509.KeyUsageCertSign == 0 {
		return nil, fmt.Errorf("authority: certificate %q may not sign certificates", pair.Leaf.Subject)
	}
	key, ok := pair.PrivateKey.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("authority: a key of type %T cannot sign", pair.PrivateKey)
	}
	return &Authority{certificate: pair.Leaf, key: key}, nil
}

// PEM returns the certificate and the private key (PKCS #8). The key is a secret.
func (a *Authority) PEM() (certPEM, keyPEM []byte, err error) {
	key, err := x509.MarshalPKCS8PrivateKey(a.key)
	if err != nil {
		return nil, nil, fmt.Errorf("authority: key: %w", err)
	}
	certPEM = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.certificate.Raw})
	keyPEM = pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})
	return certPEM, keyPEM, nil
}

// Certificate returns what a caller has to trust. It must not be changed.
func (a *Authority) Certificate() *x509.Certificate { return a.certificate }

// Issue makes a serving certificate with a new key for names, each a DNS name or
// an IP address. It is valid from just before now, for life or until the
// authority expires, whichever is sooner.
func (a *Authority) Issue(now time.Time, names []string, life time.Duration) (*tls.Certificate, error) {
	if len(names) == 0 {
		return nil, errors.New("serving certificate: no names, want at least one DNS name or IP address")
	}
	if reason := outside(a.certificate, now); reason != "" {
		return nil, fmt.Errorf("serving certificate: the authority %s", reason)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("serving certificate: key: %w", err)
	}
	template := &x509.Certificate{
		Subject:     pkix.Name{Organization: []string{"outrigger.dev"}, CommonName: "outrigger-injector"},
		NotBefore:   latest(now.Add(-backdated(life)), a.certificate.NotBefore),
		NotAfter:    earliest(now.Add(life), a.certificate.NotAfter),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	leaf, err := sign(template, a.certificate, key.Public(), a.key)
	if err != nil {
		return nil, fmt.Errorf("serving certificate: %w", err)
	}
	return &tls.Certificate{Certificate: [][]byte{leaf.Raw}, PrivateKey: key, Leaf: leaf}, nil
}

// sign gives template a random serial number of 128 bits and has signer sign it.
func sign(template, parent *x509.Certificate, public crypto.PublicKey, signer crypto.Signer) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 128))
	if err != nil {
		return nil, fmt.Errorf("serial number: %w", err)
	}
	template.SerialNumber = serial
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, signer)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

func earliest(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
