package certs_test

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"time"

	"outrigger.dev/outrigger/certs"
)

// handshake makes a TLS connection as the API server makes one to a Service: it
// trusts nothing but bundle and wants the name <service>.<namespace>.svc.
func handshake(get func(*tls.ClientHelloInfo) (*tls.Certificate, error), bundle certs.Bundle, now time.Time) error {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(bundle.PEM())
	near, far := net.Pipe()
	defer near.Close()
	defer far.Close()

	server := tls.Server(far, &tls.Config{GetCertificate: get, MinVersion: tls.VersionTLS12})
	served := make(chan error, 1)
	go func() { served <- server.Handshake() }()
	client := tls.Client(near, &tls.Config{
		RootCAs: roots, ServerName: "outrigger-injector.outrigger-system.svc", Time: func() time.Time { return now },
	})
	if err := client.Handshake(); err != nil {
		return err
	}
	return <-served
}
