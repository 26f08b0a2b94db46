package inject

import (
	"fmt"
	"strings"
)

// inject injects a pod that was sent with a record of an earlier injection, or
// with none.
func (in *Injector) inject(req Request, sent object, previous *record) (Result, error) {
	if previous == nil {
		pod, err := in.typedText(req, Canonicalize(req.Pod).Pod())
		if err != nil {
			return Result{}, fmt.Errorf("pod: %w", err)
		}
		r, result, err := in.round(req, pod, sent)
		if err != nil || r == nil {
			return result, err
		}
		return r.answer(req.Pod, sent, result.Decision)
	}
	if req.lean.within(previous) {
		return Result{}, errWhole
	}
	return in.reinject(req, sent, previous)
}

// reinject takes the earlier injection back and injects afresh.
//
// What the templates make of the pod's own annotations is only known once they
// have rendered, so what the record speaks of and the corpus does not show is
// tried: it is taken out where the templates then put it in again. A container
// that they only name because it is there stays.
func (in *Injector) reinject(req Request, sent object, previous *record) (Result, error) {
	allowed, tried := in.places, false
	for {
		base, kept := previous.before(sent, allowed)
		pod, err := in.typed(req, base)
		if err != nil {
			return refuseRecord(req, err), nil
		}
		r, result, err := in.round(req, pod, base)
		if err != nil || r == nil {
			return result, err
		}
		next := with(allowed, r.emitted(), kept)
		if tried {
			next = without(allowed, in.places, r.emitted())
		}
		if len(next) == len(allowed) {
			settle(r.merged, sent, previous.Undo)
			r.warnKept(kept)
			return r.answer(req.Pod, sent, result.Decision)
		}
		allowed, tried = next, true
	}
}

// refuseRecord refuses a pod whose record leads to what is no pod: its author has
// to mend that, and it is no fault of ours.
func refuseRecord(req Request, why error) Result {
	sentence := fmt.Sprintf("annotation %s: what it takes back leaves no pod: %v", RecordAnnotation, why)
	decision := Decision{Verdict: Deny, Reason: BadAnnotation, Sentence: sentence,
		Trace: []Step{{Rule: BadAnnotation, Input: sentence, Outcome: Deny}}}
	return Result{Decision: decision, Patch: []Operation{}, raw: req.Pod}
}

// warnKept names the containers and volumes that stay although the pod's record
// says that an injection added them.
func (r *rendering) warnKept(kept []string) {
	for _, path := range kept {
		if strings.Count(path, "/") == 3 && strings.HasPrefix(path, "/spec/") {
			r.warn("%s is in the pod's record, but no template adds it: it stays", path)
		}
	}
}
