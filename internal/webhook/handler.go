// Package webhook is the admission edge: it reads what the API server asks,
// has it decided, and answers in the API server's words.
//
// What decides is a chain of [Reviewer]s: [Reviews] asks inject with what is
// known of the cluster, [Bounded] turns away what cannot be done in time, and
// [Measured] counts. Only [Handler] knows HTTP.
package webhook

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	admissionv1 "k8s.io/api/admission/v1"

	"outrigger.dev/outrigger/inject"
)

const (
	// writeTimeout is how long the reply may take to be accepted.
	writeTimeout = 10 * time.Second
	// defaultTimeout is the API server's own, where it does not name one.
	defaultTimeout = 10 * time.Second
)

// A Reviewer decides about a pod. It returns an error for a fault of ours, and
// [ErrOverload] where it did not get to it; the answer then still says what the
// configuration in force has to say about faults. Safe for concurrent use.
type Reviewer interface {
	Review(ctx context.Context, review Review) (Answer, error)
}

// An Answer is what becomes of a pod, and by which configuration.
type Answer struct {
	Decision inject.Decision
	// Patch is a JSON Patch, and empty where the pod stays as it is.
	Patch []byte
	// Operations is how many the patch has.
	Operations int
	// Warnings are for the person who created the pod.
	Warnings []string
	// Config is the hash of the configuration that answered.
	Config string
	// FaultPolicy is that configuration's: "ignore", "deny" or "".
	FaultPolicy string
	// Recalled says that the answer was made for another pod of the workload.
	Recalled bool
}

// ErrOverload says that as many reviews are being worked on as may be.
var ErrOverload = errors.New("too many reviews at a time")

// A Handler answers admission reviews of pods, of admission.k8s.io/v1 and
// v1beta1 each in its own version. Every outcome has one row:
//
//	outcome                         HTTP  allowed  carries                           who decides then
//	inject                          200   true     patch, audit annotations,
//	                                               warnings
//	skip                            200   true     audit annotations; a warning
//	                                               where a sidecar was asked for and
//	                                               nothing on the pod declined it
//	deny                            200   false    status 422 and the sentence       nobody: refused
//	fault, faultPolicy unset        500            plain text                        failurePolicy
//	fault, faultPolicy ignore       200   true     audit annotations and a warning
//	fault, faultPolicy deny         200   false    status 500 and the fault          nobody: refused
//	not the creation of a v1 Pod    200   true     nothing
//	overload: too many at a time,
//	or more than 32 MiB of large
//	ones                            429            plain text, Retry-After           failurePolicy, after retries
//	not a review                    400            plain text                        failurePolicy
//	not a POST                      405            plain text                        failurePolicy
//	not here within 5 s             408            plain text                        failurePolicy
//	larger than 7 MiB               413            plain text                        failurePolicy
//	not application/json            415            plain text                        failurePolicy
//
// A fault is a 500 and not a refusal because allowed:false refuses the pod even
// under failurePolicy: Ignore. The API server tries again after a 429 only if
// the reply names a Retry-After. Every review that is answered with a 200 is
// answered with the UID that it came with.
type Handler struct {
	Reviewer Reviewer
	// Revision is told in the audit annotations.
	Revision string
	// Log gets one line a review, and never a pod's content.
	Log *slog.Logger
	// Shed is called for each review that is turned away with a 429, unless nil.
	Shed func()

	bodies bodies
}

// ServeHTTP answers one review.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, done, refused := h.bodies.read(w, r)
	defer done()
	if refused != nil {
		h.refuse(w, r, refused)
		return
	}
	review, err := readReview(body)
	if err != nil {
		h.refuse(w, r, &refusal{http.StatusBadRequest, err})
		return
	}
	began := time.Now()
	log := h.Log.With("uid", review.UID, "namespace", review.Namespace, "pod", review.podName(), "dry_run", review.DryRun)
	if why := review.outOfScope(); why != "" {
		h.send(w, log, review, &admissionv1.AdmissionResponse{Allowed: true})
		log.Info("review", "verdict", inject.Skip, "reason", why, "took", time.Since(began))
		return
	}
	var warnings []string
	review.Path, warnings = inject.ParsePath(r.URL.Path)
	for _, warning := range warnings {
		log.Warn("path of the webhook", "path", r.URL.Path, "err", warning)
	}

	ctx, cancel := reviewContext(r)
	defer cancel()
	answer, err := h.Reviewer.Review(ctx, review)
	switch {
	case errors.Is(err, ErrOverload):
		h.refuse(w, r, &refusal{http.StatusTooManyRequests, err})
	case err != nil && answer.FaultPolicy == "":
		logFault(log, err, began)
		plain(w, http.StatusInternalServerError, err)
	case err != nil:
		logFault(log, err, began)
		h.send(w, log, review, h.faulty(answer, err))
	default:
		h.send(w, log, review, h.reply(answer))
		log.Info("review", "verdict", answer.Decision.Verdict, "reason", answer.Decision.Reason,
			"templates", answer.Decision.Templates, "took", time.Since(began))
	}
}

// logFault writes the line of a review that ended in a fault of ours.
func logFault(log *slog.Logger, err error, began time.Time) {
	var panicked *inject.PanicError
	if errors.As(err, &panicked) {
		log = log.With("stack", string(panicked.Stack))
	}
	log.Error("review", "verdict", "fault", "reason", inject.Fault, "err", err, "took", time.Since(began))
}

// reviewContext ends when the API server stops waiting. It outlives the
// connection on purpose: a review that is being worked on is answered, and what
// came of it is remembered for the next pod of the workload.
func reviewContext(r *http.Request) (context.Context, context.CancelFunc) {
	timeout, err := time.ParseDuration(r.URL.Query().Get("timeout"))
	if err != nil || timeout <= 0 {
		timeout = defaultTimeout
	}
	return context.WithTimeout(context.WithoutCancel(r.Context()), timeout)
}

// A refusal is why a request does not come to be reviewed.
type refusal struct {
	code int
	err  error
}

// plain answers in plain text, for people and for the API server's log.
func plain(w http.ResponseWriter, code int, err error) {
	hurry(w)
	http.Error(w, err.Error(), code)
}

// hurry bounds the time to write a reply. It is called before each: a deadline
// stays with its connection, and that of the reply before may have passed.
func hurry(w http.ResponseWriter) {
	// Where a connection knows no deadlines, as in tests, it has none.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTimeout))
}

// refuse turns a request away.
func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, refused *refusal) {
	level := slog.LevelWarn
	if refused.code == http.StatusTooManyRequests {
		// Under overload a line for each would be one more load; it is counted.
		level = slog.LevelDebug
		w.Header().Set("Retry-After", "1")
		if h.Shed != nil {
			h.Shed()
		}
	}
	h.Log.Log(r.Context(), level, "request refused", "code", refused.code, "err", refused.err)
	plain(w, refused.code, refused.err)
}

// send writes a reply in the words of the review.
func (h *Handler) send(w http.ResponseWriter, log *slog.Logger, review Review, response *admissionv1.AdmissionResponse) {
	reply, err := encode(review, response)
	if err != nil {
		log.Error("reply", "err", err)
		plain(w, http.StatusInternalServerError, fmt.Errorf("reply: %w", err))
		return
	}
	hurry(w)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(reply)))
	if _, err := w.Write(reply); err != nil {
		log.Warn("reply", "err", err)
	}
}
