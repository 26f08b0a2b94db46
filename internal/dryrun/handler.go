package dryrun

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"sigs.k8s.io/yaml"
)

// Bounds of a request. A place is held while a question is read and answered.
const (
	// maxBody is how much of a body is read: a question has its manifest as a text in
	// JSON, where some characters take two.
	maxBody    = 2*MaxManifest + 64<<10
	bodyTime   = 5 * time.Second
	answerTime = 10 * time.Second
	writeTime  = 10 * time.Second
	// places is how many questions are worked on at a time, and patience how long
	// one waits for a place.
	places   = 2
	patience = 2 * time.Second
)

// A Handler serves questions:
//
//	POST /dryrun       a manifest, an AdmissionReview or a [Question]   an [Answer]
//	GET  /live                                                          a [Live]
//	GET  /schema.json                                                   the answer's JSON Schema
//	     /             everything else is the page's
//
// What is wrong with a question is told with a status of 4xx and [Faults]. An answer
// is JSON, YAML (Accept: application/yaml) or text (Accept: text/plain).
type Handler struct {
	Answer func(context.Context, Question) (*Answer, error)
	Live   func(context.Context) (*Live, error)
	// Page serves what is at "/"; nil for nothing.
	Page http.Handler
	// Log gets a line a question, and nothing of what it was about.
	Log *slog.Logger
	// Local says that only this machine reaches the listener. A request has to call it
	// by a name of this machine then: a page from elsewhere that has its own name
	// point here could otherwise read answers.
	Local bool

	places chan struct{}
}

// New makes the handler ready.
func (h *Handler) New() http.Handler {
	h.places = make(chan struct{}, places)
	mux := http.NewServeMux()
	mux.HandleFunc("/dryrun", h.dryrun)
	mux.HandleFunc("GET /live", h.live)
	mux.HandleFunc("GET /schema.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/schema+json")
		_, _ = w.Write(Schema)
	})
	if h.Page != nil {
		mux.Handle("/", h.Page)
	}
	return h.guarded(http.NewCrossOriginProtection().Handler(mux))
}

// guarded refuses callers by a foreign name, and sets what every reply carries.
func (h *Handler) guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Cache-Control", "no-store")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("Cross-Origin-Resource-Policy", "same-origin")
		header.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		if h.Local && !isLocal(r.Host) {
			h.fail(w, r, refuse(http.StatusForbidden, "host %.64q: want localhost or 127.0.0.1", r.Host))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// isLocal says whether a Host header names this machine.
func isLocal(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = host
	}
	if len(name) > 1 && name[0] == '[' {
		name = name[1 : len(name)-1]
	}
	ip := net.ParseIP(name)
	return name == "localhost" || ip != nil && ip.IsLoopback()
}

func (h *Handler) dryrun(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		h.fail(w, r, refuse(http.StatusMethodNotAllowed, "method %.16q: want POST", r.Method))
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), answerTime)
	defer cancel()
	if !h.enter(ctx) {
		w.Header().Set("Retry-After", "1")
		h.fail(w, r, refuse(http.StatusTooManyRequests, "dry run: as many questions as may be are being answered, ask again in a second"))
		return
	}
	defer func() { <-h.places }()
	answer, err := h.answer(ctx, w, r)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.Log.Info("dry run", "pods", len(answer.Pods), "took", time.Since(began))
	h.send(w, r, http.StatusOK, answer)
}

// enter takes a place, and is false where none became free in time.
func (h *Handler) enter(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	select {
	case h.places <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

func (h *Handler) answer(ctx context.Context, w http.ResponseWriter, r *http.Request) (*Answer, error) {
	if _, err := wanted(r); err != nil {
		return nil, err
	}
	body, err := readBody(w, r)
	if err != nil {
		return nil, err
	}
	question, err := questionOf(r, body)
	if err != nil {
		return nil, err
	}
	return h.Answer(ctx, question)
}

// readBody reads a body whole, in time.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	conn := http.NewResponseController(w)
	// Where a connection knows no deadlines, as in tests, it has none.
	_ = conn.SetReadDeadline(time.Now().Add(bodyTime))
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, refuse(http.StatusRequestEntityTooLarge, "body: more than %d bytes, want at most that many", maxBody)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, refuse(http.StatusRequestTimeout, "body: not here after %s", bodyTime)
	case err != nil:
		return nil, refuse(http.StatusBadRequest, "body: %v", err)
	}
	_ = conn.SetReadDeadline(time.Time{})
	return body, nil
}

func (h *Handler) live(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), answerTime)
	defer cancel()
	live, err := h.Live(ctx)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.send(w, r, http.StatusOK, live)
}

// fail tells what is wrong with a question; what is wrong with us is logged, too.
func (h *Handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	var faults *Faults
	if !errors.As(err, &faults) {
		h.Log.Error("dry run", "err", err)
		faults = refuse(http.StatusInternalServerError, "dry run: %v", err)
	}
	h.send(w, r, faults.Code, faults)
}

// send writes a value in the form that the request wants.
func (h *Handler) send(w http.ResponseWriter, r *http.Request, code int, value any) {
	form, err := wanted(r)
	if err != nil {
		form = asJSON
	}
	text, err := encode(form, value)
	if err != nil {
		h.Log.Error("dry run", "err", err)
		http.Error(w, "dry run: "+err.Error(), http.StatusInternalServerError)
		return
	}
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTime))
	w.Header().Set("Content-Type", form)
	w.WriteHeader(code)
	_, _ = w.Write(text) // whoever asked has gone, then
}

// encode is a value in a form; values without a text of their own are YAML there.
func encode(form string, value any) ([]byte, error) {
	switch value := value.(type) {
	case *Answer:
		if form == asText {
			return []byte(value.Text()), nil
		}
	case *Faults:
		if form == asText {
			return []byte(value.Error() + "\n"), nil
		}
	}
	if form != asJSON {
		return yaml.Marshal(value)
	}
	text, err := json.MarshalIndent(value, "", "  ")
	return append(text, '\n'), err
}
