package main

import (
	"context"
	"math/rand/v2"
	"net"
	"net/http"
	"time"
)

// connections bound how long callers keep them. The API server keeps a connection
// for as long as it is used at all, to whichever replica it once was made: a new
// replica would stay idle, and one that is going would be called to the end. HTTP/1.1
// has one way to part without loss: the answer says that it is the last.
type connections struct {
	// age is how old one may become, give or take a fifth; 0 for any age.
	age time.Duration
	// draining says that every answer is the last.
	draining func() bool
}

// oldAt is the key of when a connection is old, in its context.
type oldAt struct{}

// context is for http.Server's ConnContext. Connections that were made together
// part at different times.
func (c connections) context(ctx context.Context, _ net.Conn) context.Context {
	if c.age == 0 {
		return ctx
	}
	age := time.Duration(float64(c.age) * (0.8 + 0.4*rand.Float64()))
	return context.WithValue(ctx, oldAt{}, time.Now().Add(age))
}

// handler has callers close a connection that is old, and every one once the server
// drains, so that their next call opens another one: to another replica, it may be.
func (c connections) handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		at, bounded := request.Context().Value(oldAt{}).(time.Time)
		if c.draining() || bounded && time.Now().After(at) {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, request)
	})
}
