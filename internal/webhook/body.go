package webhook

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// maxReview is how much of a review is read. The API server takes objects of at
	// most 3 MiB; a review can hold two of them, object and oldObject, and its
	// envelope and the way from protobuf to JSON take the rest.
	maxReview = 7 << 20
	// readTimeout is how long a review's bytes may take to arrive. The API server
	// sends a review in one go, from nearby; whoever is slower is not it.
	readTimeout = 5 * time.Second
	// smallBody is how much of a body is not counted: as much as the connection
	// takes that it arrives on. Pods hardly ever have more.
	smallBody = 64 << 10
	// maxBodies is how much there may be at a time of what is counted: four of the
	// largest reviews, or two hundred of 200 KB. A body takes several times its size
	// until it is answered.
	maxBodies = 32 << 20
)

// maxKept is the size of the largest buffer that is kept for the next body: those of
// hardly any pods take more.
const maxKept = 1 << 20

// buffers of large bodies are kept for the next one: growing into them is most of
// what reading one costs. The garbage collector lets go of those that nobody uses.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// buffer is an empty one for a body of a length that is claimed.
func buffer(claimed int64) *bytes.Buffer {
	if claimed > smallBody {
		return buffers.Get().(*bytes.Buffer)
	}
	return new(bytes.Buffer)
}

var errNoRoom = errors.New("too many large reviews at a time")

// bodies bounds the memory for the bodies of all requests that are being read or
// answered. Room is taken for bytes that are there, so that whoever only claims to
// send many holds none. The zero value is ready; safe for concurrent use.
type bodies struct {
	taken atomic.Int64
}

// read reads a request's body whole, within [maxReview], [readTimeout] and the
// room that there is. The body's room is free again after done, which is to be
// called in any case, and after which the body is another's.
func (b *bodies) read(w http.ResponseWriter, r *http.Request) (body []byte, done func(), refused *refusal) {
	conn := http.NewResponseController(w)
	// Where a connection knows no deadlines, as in tests, it has none.
	_ = conn.SetReadDeadline(time.Now().Add(readTimeout))
	a := &arrival{from: http.MaxBytesReader(w, r.Body, maxReview), room: b, body: buffer(r.ContentLength)}
	if refused = unreadable(w, r); refused == nil {
		body, refused = a.read(r.ContentLength)
	}
	if refused != nil {
		// What is left of the body may still be on its way after the reply. It is
		// waited for, so that callers get to see the reply who write first and then
		// read, but no longer: the deadline stays, and then the connection is closed.
		w.Header().Set("Connection", "close")
		return nil, a.leave, refused
	}
	_ = conn.SetReadDeadline(time.Time{})
	return body, a.leave, nil
}

// unreadable says why a request's body is not worth reading.
func unreadable(w http.ResponseWriter, r *http.Request) *refusal {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return &refusal{http.StatusMethodNotAllowed, fmt.Errorf("method %.16q: want POST", r.Method)}
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return &refusal{http.StatusUnsupportedMediaType, fmt.Errorf("content type %.64q: want application/json", r.Header.Get("Content-Type"))}
	}
	return nil
}

// An arrival is one body on its way.
type arrival struct {
	from io.Reader
	room *bodies
	body *bytes.Buffer
	// seen is how much has arrived, taken how much room that has.
	seen, taken int64
}

// read reads it to its end. The length that a request claims is trusted for a
// small one only: memory is taken as bytes arrive.
func (a *arrival) read(claimed int64) ([]byte, *refusal) {
	a.body.Grow(int(min(max(claimed, 0), smallBody)) + bytes.MinRead)
	_, err := a.body.ReadFrom(a)
	var tooLarge *http.MaxBytesError
	switch {
	case err == nil:
		return a.body.Bytes(), nil
	case errors.As(err, &tooLarge):
		return nil, &refusal{http.StatusRequestEntityTooLarge, fmt.Errorf("body: want at most %d bytes", maxReview)}
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, &refusal{http.StatusRequestTimeout, fmt.Errorf("body: not here after %s", readTimeout)}
	case errors.Is(err, errNoRoom):
		return nil, &refusal{http.StatusTooManyRequests, err}
	}
	return nil, &refusal{http.StatusBadRequest, fmt.Errorf("body: %w", err)}
}

// Read is for io.Reader. It takes room for what has arrived, or fails.
func (a *arrival) Read(p []byte) (int, error) {
	n, err := a.from.Read(p)
	a.seen += int64(n)
	more := max(a.seen-smallBody, 0) - a.taken
	if more == 0 {
		return n, err
	}
	a.taken += more
	if a.room.taken.Add(more) > maxBodies {
		return n, errNoRoom
	}
	return n, err
}

// leave gives the room back, and what the body was in.
func (a *arrival) leave() {
	a.room.taken.Add(-a.taken)
	if a.seen > smallBody && a.body.Cap() <= maxKept {
		a.body.Reset()
		buffers.Put(a.body)
	}
}
