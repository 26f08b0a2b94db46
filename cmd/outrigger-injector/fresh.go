package main

import (
	"crypto/tls"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// fresh gives connections on which nobody has asked anything yet as much time as those that
// are idle. A caller that opens one and meanwhile gets an older one back, which Go's client
// does and so the API server, keeps the new one for later. net/http would close it after the
// time for a request's head; and a call that is sent at just that moment is lost: a client
// tries once more what failed on a connection that it had used, not on a new one.
type fresh struct{ net.Listener }

// Accept is for net.Listener.
func (l fresh) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &freshConn{Conn: conn}, nil
}

// What has been heard on a connection: nothing but its handshake, that it is done, a request.
const (
	shakingHands int32 = iota
	saidNothing
	saidSomething
)

// freshConn is what TLS and net/http read from:
//
//	heard so far    net/http sets a deadline for reading       bytes arrive
//	shakingHands    it counts; none at all ends the handshake  they are the handshake's
//	saidNothing     idleTime in place of it                    the rest of the head has headerTime
//	saidSomething   it counts                                  they are the request's
//
// A caller of TLS 1.3 may send its first request with the last of its handshake, in what is
// then read as one: net/http tells of that request, by [toldOf].
type freshConn struct {
	net.Conn
	heard atomic.Int32
}

// SetReadDeadline is for net.Conn.
func (c *freshConn) SetReadDeadline(deadline time.Time) error {
	switch {
	case deadline.IsZero():
		c.heard.CompareAndSwap(shakingHands, saidNothing)
	case c.heard.Load() == saidNothing:
		deadline = time.Now().Add(idleTime)
	}
	return c.Conn.SetReadDeadline(deadline)
}

// Read is for net.Conn.
func (c *freshConn) Read(into []byte) (int, error) {
	n, err := c.Conn.Read(into)
	if n > 0 && c.heard.CompareAndSwap(saidNothing, saidSomething) {
		_ = c.Conn.SetReadDeadline(time.Now().Add(headerTime))
	}
	return n, err
}

// toldOf is for http.Server's ConnState: it hears of a request whose bytes were taken for the
// handshake's, once its head has been read. Deadlines count from then on, among them the one
// long past by which net/http ends its own read when a request has been answered.
func toldOf(conn net.Conn, state http.ConnState) {
	if state != http.StateActive {
		return
	}
	if secured, ok := conn.(*tls.Conn); ok {
		if c, ok := secured.NetConn().(*freshConn); ok {
			c.heard.Store(saidSomething)
		}
	}
}
