package rollout

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"outrigger.dev/outrigger/internal/missing"
)

// A Step is what is to be done about a target.
type Step struct {
	Target Target
	// Leave is why it is left alone, and Cure what to do; Leave is "" for one that is to
	// be restarted.
	Leave, Cure string
	// Blocked is what stands against it at the moment, and is waited for.
	Blocked string
}

// Plan says what is to be done about targets, in their order, and changes nothing: those
// that can be restarted are those whose new pods the API server has made, by a dry run,
// as they are to be.
func (r *Restarter) Plan(ctx context.Context, targets []Target) ([]Step, error) {
	var steps []Step
	settle := time.Now().Add(r.Settle)
	for _, t := range targets {
		step, err := r.step(ctx, t, settle)
		if err != nil {
			return steps, fmt.Errorf("%s: %w", t, err)
		}
		steps = append(steps, step)
	}
	return steps, nil
}

func (r *Restarter) step(ctx context.Context, t Target, settle time.Time) (Step, error) {
	s := Step{Target: t}
	w, err := r.read(ctx, t)
	if err != nil {
		return s, err
	}
	if s.Leave, s.Cure = w.leave, w.cure; s.Leave != "" {
		return s, nil
	}
	if s.Leave, s.Cure, err = r.unfinished(ctx, t, w); s.Leave != "" || err != nil {
		return s, err
	}
	if err := r.settled(ctx, t, w, settle); err != nil {
		s.Leave, s.Cure = err.Error(), fmt.Sprintf("outrigger explain %s/%s -n %s", strings.ToLower(t.Kind), t.Name, t.Namespace)
		return s, nil
	}
	budgets, err := r.budgets(ctx, t.Namespace, w.template.Labels)
	if s.Leave, s.Cure = uncountable(budgets); s.Leave == "" {
		s.Blocked = blocking(budgets, w.down)
	}
	return s, err
}

// unfinished says why a workload's last rollout has not come to its end; "" where it has.
func (r *Restarter) unfinished(ctx context.Context, t Target, w *workload) (leave, cure string, err error) {
	tree, err := asTree(w.object)
	if err != nil {
		return "", "", err
	}
	switch why, err := Waiting(ctx, r.Client, tree); {
	case errors.Is(err, ErrFailed):
		return fmt.Sprintf("its last rollout has failed (%s)", why), "mend that, then " + t.kubectl("rollout restart"), nil
	case err != nil:
		return "", "", err
	case why != "":
		return fmt.Sprintf("its last rollout is not complete (%s)", why), t.kubectl("rollout status"), nil
	}
	return "", "", nil
}

// prove has the API server create a pod of the workload by a dry run, and says why that
// is not as it is to be.
func (r *Restarter) prove(ctx context.Context, t Target, w *workload) error {
	made, err := missing.ProveNew(ctx, r.Client.CoreV1().Pods(t.Namespace), w.next(t))
	if err != nil || r.Differs == nil {
		return err
	}
	differs, lags, err := r.Differs(ctx, made)
	switch {
	case err != nil:
		return err
	case differs != "" && lags:
		return laggingError{differs}
	case differs != "":
		return fmt.Errorf("a new pod would differ, too, as somebody changes it after injection: %s", differs)
	}
	return nil
}

// A laggingError is that a new pod is injected by another configuration than there is.
type laggingError struct{ differs string }

func (e laggingError) Error() string {
	return "the server injects new pods by another configuration than there is: " + e.differs
}

// settled proves, and tries again as long as the server may still be about to get its
// configuration.
func (r *Restarter) settled(ctx context.Context, t Target, w *workload, until time.Time) error {
	for {
		err := r.prove(ctx, t, w)
		if !errors.As(err, new(laggingError)) || time.Now().After(until) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(r.Every):
		}
	}
}
