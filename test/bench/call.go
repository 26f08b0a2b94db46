package bench

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"time"
)

// A Caller sends reviews to a handler as the API server does, without a
// connection, and keeps the reply. It takes no memory for a call but what the
// handler asks for. It belongs to one goroutine.
type Caller struct {
	handler   http.Handler
	recording Recording
	text      []byte
	body      body
	request   http.Request
	reply     Reply
}

// NewCaller returns a Caller that sends variations of a recording.
func NewCaller(handler http.Handler, recording Recording) *Caller {
	c := &Caller{handler: handler, recording: recording, text: recording.Body()}
	c.request = http.Request{
		Method: http.MethodPost,
		URL:    &url.URL{Scheme: "https", Host: "outrigger.example", Path: "/inject", RawQuery: "timeout=10s"},
		Proto:  "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        http.Header{"Content-Type": {"application/json"}, "Accept": {"application/json"}},
		ContentLength: int64(len(c.text)),
		Body:          &c.body,
	}
	c.reply.header = http.Header{}
	return c
}

// Call sends the nth variation; see [Recording.Vary]. The reply is good until the
// next call.
func (c *Caller) Call(n uint64, first bool) *Reply {
	c.recording.Vary(c.text, n, first)
	c.body.Reset(c.text)
	c.request.Body = &c.body // the handler may have put something around it
	c.reply.Code, c.reply.Body = 0, c.reply.Body[:0]
	clear(c.reply.header)
	c.handler.ServeHTTP(&c.reply, &c.request)
	return &c.reply
}

// Sent is the review that was sent last.
func (c *Caller) Sent() []byte { return c.text }

// body is a request's.
type body struct{ bytes.Reader }

// Close is for io.ReadCloser.
func (*body) Close() error { return nil }

var _ io.ReadCloser = (*body)(nil)

// A Reply is an http.ResponseWriter that keeps what is written. It takes
// deadlines, as a connection does, and does nothing with them.
type Reply struct {
	Code   int
	Body   []byte
	header http.Header
}

// Header is the reply's.
func (r *Reply) Header() http.Header { return r.header }

// WriteHeader keeps the status.
func (r *Reply) WriteHeader(code int) {
	if r.Code == 0 {
		r.Code = code
	}
}

// Write keeps text.
func (r *Reply) Write(text []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	r.Body = append(r.Body, text...)
	return len(text), nil
}

// SetReadDeadline is for http.ResponseController.
func (*Reply) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline is for http.ResponseController.
func (*Reply) SetWriteDeadline(time.Time) error { return nil }
