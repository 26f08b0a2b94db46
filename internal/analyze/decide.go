package analyze

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"runtime"

	"golang.org/x/sync/errgroup"

	"outrigger.dev/outrigger/inject"
)

// A judgement is one for all objects that a webhook cannot tell apart.
type judgement struct {
	of      Object
	verdict *Verdict // nil for what has no pod
	err     error
}

// decide finds the pods, and what would become of each: once of those that a webhook
// cannot tell apart, on all cores.
func (s *Scene) decide(ctx context.Context) error {
	known := map[[sha256.Size]byte]*judgement{}
	var each []*judgement
	at := make([]*judgement, len(s.Objects))
	for i, o := range s.Objects {
		if len(s.Injectors) == 0 || !s.looksAt(o.Subject) || madeByAnother(o) {
			continue
		}
		id := sha256.Sum256(fmt.Appendf(nil, "%s/%s %s", o.Kind, o.Namespace, o.JSON))
		if known[id] == nil {
			known[id] = &judgement{of: o}
			each = append(each, known[id])
		}
		at[i] = known[id]
	}
	if err := s.judge(ctx, each); err != nil {
		return err
	}
	for i, j := range at {
		if j == nil || j.verdict == nil {
			continue
		}
		p := Pod{Object: s.Objects[i], Running: j.of.live(), Verdict: j.verdict}
		if p.running() { // it has been read, and there may be many
			p.JSON, p.Labels, p.Annotations = nil, p.Before.Labels, p.Before.Annotations
			s.Objects[i] = p.Object
		}
		s.pods = append(s.pods, p)
	}
	var errs []error
	for _, j := range each {
		if j.err != nil {
			errs = append(errs, j.err)
		}
	}
	return errors.Join(errs...)
}

// judge comes to all judgements, several at a time.
func (s *Scene) judge(ctx context.Context, all []*judgement) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for _, j := range all {
		group.Go(func() error {
			w, has, err := j.of.workload()
			if err == nil && has {
				j.verdict, err = s.verdict(ctx, j.of, w)
			}
			j.err, j.of.JSON = err, nil
			if j.verdict != nil {
				j.verdict.shrink()
			}
			return ctx.Err()
		})
	}
	return group.Wait()
}

// shrink lets go of what nobody asks for later: there are thousands of verdicts.
func (v *Verdict) shrink() {
	v.Call.Entries, v.Call.Others = nil, nil
	v.Result = inject.Result{Decision: v.Result.Decision, Warnings: v.Result.Warnings}
}
