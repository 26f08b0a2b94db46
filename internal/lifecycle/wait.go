package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"outrigger.dev/outrigger/internal/rollout"
)

// An awaited thing is what has to come to be, and how it is found out: check says what is
// still waited for, "" for nothing.
type awaited struct {
	object string
	check  func(context.Context) (string, error)
}

// errNotYet is that something did not come to be in time.
var errNotYet = errors.New("not ready in time")

// await returns when nothing is waited for any more. What is waited for is told of, and
// again where it changes. An error of one look is what is waited for until the next.
func (c *Cluster) await(ctx context.Context, all []awaited, progress Progress) error {
	told := make([]string, len(all))
	for {
		waiting := 0
		var last string
		for i, a := range all {
			if a.check == nil {
				continue
			}
			why, err := a.check(ctx)
			if err != nil {
				why = err.Error()
			}
			switch {
			case why == "":
				if told[i] != "" {
					progress(Event{State: "ready", Object: a.object})
				}
				all[i].check = nil
				continue
			case why != told[i] && ctx.Err() == nil:
				progress(Event{State: "waiting", Object: a.object, Detail: why})
				told[i] = why
			}
			waiting++
			last = a.object + ": " + told[i]
		}
		if waiting == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			if errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
				return fmt.Errorf("%w: %s", errNotYet, last)
			}
			return context.Cause(ctx)
		case <-time.After(c.every):
		}
	}
}

// rollouts are the objects whose state somebody else brings about.
func (c *Cluster) rollouts(objects []Manifest) []awaited {
	var all []awaited
	for _, m := range objects {
		all = append(all, awaited{m.Title(), func(ctx context.Context) (string, error) { return c.rollout(ctx, &m.Object) }})
	}
	return all
}

// rollout says what an object waits for by kstatus, and what the pods of a Deployment do.
func (c *Cluster) rollout(ctx context.Context, o *unstructured.Unstructured) (string, error) {
	live, err := c.get(ctx, o)
	if err != nil {
		return "", err
	}
	if live == nil {
		return "it is not there", nil
	}
	why, err := rollout.Waiting(ctx, c.client, live)
	if errors.Is(err, rollout.ErrFailed) {
		err = nil // it may go on once somebody has mended what it waits for
	}
	return why, err
}

// bundles are the webhook configurations of which every entry is to have a CA bundle; by
// says who writes it.
func (c *Cluster) bundles(names []string, by string) []awaited {
	var all []awaited
	for _, name := range names {
		all = append(all, awaited{webhookKind + " " + name, func(ctx context.Context) (string, error) {
			live, err := c.client.AdmissionregistrationV1().MutatingWebhookConfigurations().Get(ctx, name, metav1.GetOptions{})
			if err != nil {
				return "", err
			}
			if len(withoutBundle(live)) > 0 {
				return "its CA bundle, which " + by + " writes", nil
			}
			return "", nil
		}})
	}
	return all
}
