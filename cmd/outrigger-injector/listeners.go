package main

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/webhook"
)

// newWebhookServer serves the webhook over TLS until the context of its Start
// ends; then it answers what is under way, for a minute at most.
func newWebhookServer(address string, handler http.Handler, c certificate) (webhook.Server, error) {
	host, port, err := splitAddress(address)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/inject", handler)
	mux.Handle("/inject/", handler)
	return webhook.NewServer(webhook.Options{
		Host:       host,
		Port:       port,
		WebhookMux: mux,
		TLSOpts: []func(*tls.Config){func(t *tls.Config) {
			t.GetCertificate = c.GetCertificate
			t.MinVersion = tls.VersionTLS12
			// The API server speaks HTTP/1.1 to webhooks, and nobody else need call.
			t.NextProtos = []string{"http/1.1"}
		}},
	}), nil
}

// listenPlain serves without TLS until ctx ends: what has nothing to hide, to
// whom the network lets through.
func listenPlain(ctx context.Context, address string, handler http.Handler) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       90 * time.Second,
	}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// leaving has callers close their connections once the server drains, so that
// the next call of each opens one to another replica.
func leaving(next http.Handler, r *readiness) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		if r.draining.Load() {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, request)
	})
}
