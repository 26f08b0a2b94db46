package main

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"outrigger.dev/outrigger/internal/webhook"
)

// connectionOf answers a request on a connection made now, once it is as old as said,
// and returns what the answer says of the connection.
func connectionOf(c connections, old time.Duration) string {
	ctx := c.context(context.Background(), nil)
	time.Sleep(old)
	w := httptest.NewRecorder()
	h := c.handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	h.ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodPost, "/inject", nil))
	return w.Header().Get("Connection")
}

func TestAnswersSayWhenTheyAreTheLast(t *testing.T) {
	for name, tc := range map[string]struct {
		age, old time.Duration
		draining bool
		want     string
	}{
		"not on a young connection":            {time.Minute, 47 * time.Second, false, ""},
		"on an old one":                        {time.Minute, 73 * time.Second, false, "close"},
		"on a young one of a server that goes": {time.Minute, time.Second, true, "close"},
		"not where any age will do":            {0, 100 * time.Hour, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				for range 20 { // ages differ by chance
					c := connections{age: tc.age, draining: func() bool { return tc.draining }}
					if got := connectionOf(c, tc.old); got != tc.want {
						t.Fatalf("Connection: %q, want %q", got, tc.want)
					}
				}
			})
		})
	}
}

// A replicated is one of the servers behind an address, with TLS on a real socket.
type replicated struct {
	readiness readiness
	address   string
	stop      context.CancelFunc
	ended     chan error
}

func replicate(t *testing.T, borrowed *httptest.Server, age time.Duration) *replicated {
	t.Helper()
	// The port is free once this has found it, and stays so for the moment.
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &replicated{address: listener.Addr().String(), ended: make(chan error, 1)}
	listener.Close()
	reviews := webhook.NewReviews(func() webhook.Injector { return &port{} }, webhook.Cluster{Namespaces: anyNamespace{}})
	handler := newAdmission(reviews, 64, "default", webhook.NewMetrics(prometheus.NewRegistry()), slog.New(slog.DiscardHandler))
	kept := connections{age: age, draining: r.readiness.draining.Load}
	server := newWebhookServer(kept.handler(handler), served(borrowed.TLS.Certificates[0]))
	server.ConnContext = kept.context
	var ctx context.Context
	ctx, r.stop = context.WithCancel(t.Context())
	go func() { r.ended <- listenWebhook(ctx, r.address, server) }()
	for callWebhook(r.address) != nil {
		time.Sleep(time.Millisecond) // it is about to listen
	}
	return r
}

// Callers keep their connections, as the API server does, while one replica after
// the other is stopped as serve stops it: not ready, so that new connections go
// elsewhere, then closing what is used, then the end. No call fails.
func TestNoCallIsLostWhileReplicasAreReplaced(t *testing.T) {
	borrowed := httptest.NewTLSServer(nil)
	defer borrowed.Close()
	var current atomic.Pointer[replicated]
	current.Store(replicate(t, borrowed, 50*time.Millisecond))
	transport := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", current.Load().address)
		},
		TLSClientConfig:     &tls.Config{RootCAs: borrowed.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs, ServerName: "example.com"},
		MaxIdleConnsPerHost: 8,
	}
	client := &http.Client{Transport: transport}
	ctx, cancel := context.WithCancel(t.Context())
	var callers sync.WaitGroup
	var calls, reused atomic.Int64
	for range 8 {
		callers.Go(func() {
			for ctx.Err() == nil {
				err := call(client, &reused)
				if err != nil {
					t.Error(err)
					return
				}
				calls.Add(1)
			}
		})
	}
	for range 4 {
		before := calls.Load()
		awaitCalls(t, &calls, before+200)
		going := current.Load()
		current.Store(replicate(t, borrowed, 50*time.Millisecond))
		going.readiness.drain()
		awaitCalls(t, &calls, calls.Load()+200) // the delay: each caller calls several times
		going.stop()
		if err := <-going.ended; err != nil {
			t.Error(err)
		}
	}
	cancel()
	callers.Wait()
	current.Load().stop()
	if err := <-current.Load().ended; err != nil {
		t.Error(err)
	}
	t.Logf("%d calls, %d of them on a connection that had been used", calls.Load(), reused.Load())
	if reused.Load() == 0 {
		t.Error("no connection was kept")
	}
}

// call posts a review and wants an answer.
func call(client *http.Client, reused *atomic.Int64) error {
	trace := &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) {
		if info.Reused {
			reused.Add(1)
		}
	}}
	request, err := http.NewRequestWithContext(httptrace.WithClientTrace(context.Background(), trace),
		http.MethodPost, "https://webhook/inject?timeout=5s", strings.NewReader(review("calm", 0)))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return errors.New(response.Status)
	}
	return nil
}

// awaitCalls returns when so many calls have been answered.
func awaitCalls(t *testing.T, calls *atomic.Int64, want int64) {
	t.Helper()
	for calls.Load() < want && !t.Failed() {
		time.Sleep(time.Millisecond)
	}
}
