package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"outrigger.dev/outrigger/certs"
	"outrigger.dev/outrigger/inject"
	"outrigger.dev/outrigger/internal/webhook"
)

// places is how many reviews a port in these tests works on at a time.
const places = 4

// A port is the server's, TLS and all, but in memory: so that time is what
// testing/synctest makes it, and stands still while anybody has something to do.
// It is a net.Listener.
type port struct {
	server   *http.Server
	calls    chan net.Conn
	closed   chan struct{}
	trusted  *x509.CertPool
	open     atomic.Int64
	registry *prometheus.Registry
	// busy is full while reviews of the namespace busy are worked on, which they
	// are until free is closed.
	busy, free chan struct{}
}

// openPort serves until the test ends. It is called within a bubble, with what
// httptest has for a certificate: that is valid at any time.
func openPort(t *testing.T, borrowed *httptest.Server) *port {
	p := &port{
		calls: make(chan net.Conn), closed: make(chan struct{}), registry: prometheus.NewRegistry(),
		busy: make(chan struct{}, 2*places), free: make(chan struct{}),
		trusted: borrowed.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs,
	}
	reviews := webhook.NewReviews(func() webhook.Injector { return p }, webhook.Cluster{Namespaces: anyNamespace{}})
	handler := newAdmission(reviews, places, "default", webhook.NewMetrics(p.registry), slog.New(slog.DiscardHandler))
	server := newWebhookServer(handler, served(borrowed.TLS.Certificates[0]))
	server.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)
	told := server.ConnState
	server.ConnState = func(conn net.Conn, state http.ConnState) {
		told(conn, state)
		switch state {
		case http.StateNew:
			p.open.Add(1)
		case http.StateClosed:
			p.open.Add(-1)
		}
	}
	p.server = server
	ended := make(chan error)
	go func() { ended <- server.ServeTLS(fresh{p}, "", "") }()
	t.Cleanup(func() {
		_ = server.Close()
		<-ended
		time.Sleep(time.Second) // net/http lingers with those whom it did not hear out
	})
	return p
}

// Accept is for net.Listener.
func (p *port) Accept() (net.Conn, error) {
	select {
	case conn := <-p.calls:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// Close is for net.Listener.
func (p *port) Close() error {
	close(p.closed)
	return nil
}

// Addr is for net.Listener.
func (p *port) Addr() net.Addr { return &net.TCPAddr{} }

// connect is a connection without TLS.
func (p *port) connect() net.Conn {
	ours, theirs := net.Pipe()
	p.calls <- theirs
	return ours
}

// connectTLS is one with. TLS 1.2 leaves nothing to read after its handshake, so
// that a client need not.
func (p *port) connectTLS(t *testing.T) net.Conn {
	conn := tls.Client(p.connect(), &tls.Config{RootCAs: p.trusted, ServerName: "example.com", MaxVersion: tls.VersionTLS12})
	if err := conn.Handshake(); err != nil {
		t.Fatal(err)
	}
	return conn
}

// A together is a connection that sends what is written to it when it is told to, but for
// what is written first.
type together struct {
	net.Conn
	greeted bool
	held    []byte
}

// Write is for net.Conn.
func (c *together) Write(text []byte) (int, error) {
	if !c.greeted {
		c.greeted = true
		return c.Conn.Write(text)
	}
	c.held = append(c.held, text...)
	return len(text), nil
}

// connectSaying is a connection of TLS 1.3 on which the last of the handshake comes with
// what a client says first.
func (p *port) connectSaying(t *testing.T, first string) net.Conn {
	t.Helper()
	sending := &together{Conn: p.connect()}
	conn := tls.Client(sending, &tls.Config{RootCAs: p.trusted, ServerName: "example.com", MinVersion: tls.VersionTLS13})
	if err := conn.Handshake(); err != nil {
		t.Fatal(err)
	}
	write(conn, first)
	go write(sending.Conn, string(sending.held))
	return conn
}

// client is one that behaves, as the API server does.
func (p *port) client() *http.Client {
	return &http.Client{Transport: &http.Transport{
		DialContext:         func(context.Context, string, string) (net.Conn, error) { return p.connect(), nil },
		TLSClientConfig:     &tls.Config{RootCAs: p.trusted, ServerName: "example.com"},
		MaxIdleConnsPerHost: 2 * places,
	}}
}

// review is one of a pod in a namespace, with so much of nothing in it.
func review(namespace string, padding int) string {
	return fmt.Sprintf(`{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"u","namespace":%q,`+
		`"operation":"CREATE","object":{"metadata":{"name":"p"}%s}}}`, namespace, strings.Repeat(" ", padding))
}

// ask sends a review, and returns the status and what Retry-After says.
func ask(t *testing.T, c *http.Client, body string) string {
	reply, err := c.Post("https://webhook/inject?timeout=10s", "application/json", strings.NewReader(body))
	if err != nil {
		t.Error(err)
		return ""
	}
	defer reply.Body.Close()
	_, _ = io.Copy(io.Discard, reply.Body)
	return strings.TrimSpace(fmt.Sprint(reply.StatusCode, " ", reply.Header.Get("Retry-After")))
}

// shed is what the metric of that name counts.
func (p *port) shed(t *testing.T) float64 {
	families, err := p.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() == "outrigger_admission_shed_total" {
			return family.GetMetric()[0].GetCounter().GetValue()
		}
	}
	t.Fatal("no metric outrigger_admission_shed_total")
	return 0
}

// Skip is for webhook.Injector.
func (p *port) Skip(inject.Request) (inject.Result, bool) { return inject.Result{}, false }

// Inject is for webhook.Injector.
func (p *port) Inject(r inject.Request) (inject.Result, error) {
	if r.Namespace.Name == "busy" {
		p.busy <- struct{}{}
		<-p.free
	}
	return inject.Result{Decision: inject.Decision{Verdict: inject.Skip, Reason: inject.PodLabel}}, nil
}

// Hash is for webhook.Injector.
func (p *port) Hash() string { return "0123456789ab" }

// FaultPolicy is for webhook.Injector.
func (p *port) FaultPolicy() string { return "" }

// anyNamespace knows every namespace, and nothing of it.
type anyNamespace struct{}

func (anyNamespace) Cached(name string) (inject.Namespace, bool) {
	return inject.Namespace{Name: name}, true
}

func (anyNamespace) Live(_ context.Context, name string) (inject.Namespace, error) {
	return inject.Namespace{Name: name}, nil
}

// served is a certificate that is always ready.
type served tls.Certificate

func (s served) GetCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return (*tls.Certificate)(&s), nil
}

func (served) Ready(time.Time) error { return nil }

func (served) Status() certs.Status { return certs.Status{} }
