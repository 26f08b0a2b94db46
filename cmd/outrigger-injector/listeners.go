package main

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"time"
)

// Bounds on what a caller of the webhook may take. The API server sends a few
// hundred bytes of headers, and a review in one go; the handler is stricter about
// the time for a review, and for its reply.
const (
	headerTime  = 5 * time.Second
	requestTime = 10 * time.Second
	replyTime   = 30 * time.Second
	// idleTime is longer than the 90 seconds for which the API server keeps a
	// connection that it does not use: a call that is under way while we close its
	// connection fails, so it is for the caller to close.
	idleTime    = 2 * time.Minute
	headerBytes = 16 << 10
	// leaveTime is how long what is under way may take when the server stops: no
	// caller waits for longer, and the chart's grace period has room for it.
	leaveTime = 20 * time.Second
)

// newWebhookServer is the server of the webhook's port. It is net/http's own:
// controller-runtime's bounds neither the time of a request nor that of a reply, and
// takes a mebibyte of headers, which leaves a slow or greedy client too much.
func newWebhookServer(handler http.Handler, c certificate) *http.Server {
	mux := http.NewServeMux()
	mux.Handle("/inject", handler)
	mux.Handle("/inject/", handler)
	// Not by the server's ReadTimeout: that counts from when a connection is made, on which
	// nobody need ask anything for a while.
	bounded := http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(requestTime))
		mux.ServeHTTP(w, request)
	})
	// The API server speaks HTTP/1.1 to webhooks, and nobody else need call.
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Server{
		Handler:           bounded,
		TLSConfig:         &tls.Config{GetCertificate: c.GetCertificate, MinVersion: tls.VersionTLS12},
		Protocols:         protocols,
		ConnState:         toldOf,
		ReadHeaderTimeout: headerTime,
		WriteTimeout:      replyTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    headerBytes,
	}
}

// listenWebhook serves over TLS until ctx ends; then it answers what is under way
// and returns.
func listenWebhook(ctx context.Context, address string, server *http.Server) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	stopped := make(chan struct{})
	context.AfterFunc(ctx, func() {
		defer close(stopped)
		patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveTime)
		defer cancel()
		if server.Shutdown(patience) != nil {
			_ = server.Close() // whoever is left has had the time for several requests
		}
	})
	if err := server.ServeTLS(fresh{listener}, "", ""); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	<-stopped
	return nil
}

// callWebhook connects to the webhook, as a caller would. Which certificate it
// shows is not looked at here.
func callWebhook(address string) error {
	dialer := tls.Dialer{NetDialer: &net.Dialer{Timeout: headerTime}, Config: &tls.Config{InsecureSkipVerify: true}}
	conn, err := dialer.Dial("tcp", address)
	if err != nil {
		return err
	}
	return conn.Close()
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
