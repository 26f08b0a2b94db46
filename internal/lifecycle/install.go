package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	release "helm.sh/helm/v4/pkg/release/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"outrigger.dev/outrigger/internal/cluster"
)

// Install carries out a plan, and returns when pods are injected. It can be interrupted
// at any point and run again: what it goes by is what it finds.
//
// A webhook configuration whose server is not known to answer is applied so that it
// matches nothing, as one revision of the release; when the server is ready, and the CA
// bundle is written, the next revision is as the chart says. So no pod is ever refused by
// an injector that is still coming up.
//
//	found                                     done
//	nothing                                   two revisions of the release
//	our release, with a server that answers   one
//	our release, and a new tag                two: the tag's configuration waits, the others go on
//	our release, cut short                    as if it had not been there: two
func (c *Cluster) Install(ctx context.Context, p *Plan, limit time.Duration, progress Progress) error {
	if err := c.makeNamespace(ctx); err != nil {
		return err
	}
	ctx, l, err := c.acquire(ctx, func(what string) { progress.note("%s", what) })
	if err != nil {
		return err
	}
	return errors.Join(c.install(ctx, p, l, limit, progress), l.release())
}

func (c *Cluster) install(ctx context.Context, p *Plan, l *lease, limit time.Duration, progress Progress) error {
	var err error
	if p.found, err = c.findRelease(ctx, p.Revision); err != nil { // it may have changed while we waited
		return err
	}
	if err := abandoned(p.found.last, l.leftBehind); err != nil {
		return err
	}
	if err := c.recover(p.found); err != nil {
		return err
	}
	held, err := c.unproven(ctx, p)
	if err != nil {
		return err
	}
	var first *release.Release
	if len(held) > 0 {
		progress.step("applying the objects; %s matches nothing yet", strings.Join(held, " and "))
		if first, err = c.apply(ctx, p.found, p.chart, p.values, &hold{held}, progress.objects); err != nil {
			return err
		}
		p.found.last = first
		if err := c.prove(ctx, p, held, limit, progress); err != nil {
			return err
		}
		progress.step("the server is ready: applying the webhook's selectors")
	} else {
		progress.step("applying the objects")
	}
	if _, err = c.apply(ctx, p.found, p.chart, p.values, nil, progress.of(len(held) > 0)); err != nil {
		return err
	}
	if err := c.switchAll(ctx, held, notReady, "", false); err != nil { // what an earlier one held back
		return err
	}
	if len(held) == 0 {
		if err := c.settle(ctx, p, limit, progress); err != nil {
			return err
		}
	}
	if len(p.configurations()) == 0 {
		return nil // without a webhook nobody can be asked
	}
	if err := c.askThrough(ctx, p, limit, progress); err != nil {
		return c.holdBack(ctx, held, err)
	}
	if p.Istio != nil {
		return c.takeOver(ctx, p.Istio, p.Release, progress)
	}
	return nil
}

// holdBack switches configurations off again that turned out not to be answered, so that no
// pod waits for what does not come.
func (c *Cluster) holdBack(ctx context.Context, held []string, why error) error {
	if len(held) == 0 || ctx.Err() != nil {
		return why
	}
	if err := c.switchAll(ctx, held, notReady, why.Error(), true); err != nil {
		return errors.Join(why, err)
	}
	return fmt.Errorf("%w (the webhook is held back: it matches nothing, and no pod waits for it)", why)
}

// abandoned wants nobody else to be at work on the release: not one whose lease we had,
// and not a Helm that has just begun.
func abandoned(last *release.Release, leftBehind bool) error {
	if last == nil || !last.Info.Status.IsPending() || leftBehind {
		return nil
	}
	if since := time.Since(last.Info.LastDeployed); since < 5*time.Minute {
		return fmt.Errorf("release %q: Helm is at work on it (%s) since %.0f seconds: want it to be done, or to be dead for 5 minutes",
			last.Name, last.Info.Status, since.Seconds())
	}
	return nil
}

// makeNamespace makes our namespace, unless it is there.
func (c *Cluster) makeNamespace(ctx context.Context) error {
	_, err := c.client.CoreV1().Namespaces().Create(ctx,
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: c.Namespace}}, metav1.CreateOptions{FieldManager: fieldManager})
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}

// prove waits until the objects are ready, and the held configurations have a CA bundle.
func (c *Cluster) prove(ctx context.Context, p *Plan, held []string, limit time.Duration, progress Progress) error {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, context.DeadlineExceeded)
	defer cancel()
	all := c.rollouts(p.Objects)
	if p.bundleIsWritten() {
		by := "the server"
		if url, _ := p.values.Lookup("webhook.url"); url != nil && url != "" {
			by = fmt.Sprintf("the server at %v", url)
			if p.found.last != nil {
				progress.note("start that server now, if it is not up: %s", serverCommand(p.found.last.Info.Notes))
			}
		}
		all = append(all, c.bundles(held, by)...)
	}
	return c.await(ctx, all, progress)
}

// serverCommand is the command line in the chart's notes that starts a server elsewhere.
func serverCommand(notes string) string {
	_, after, _ := strings.Cut(notes, "outrigger-injector --kubeconfig")
	after, _, _ = strings.Cut(after, "\n\n")
	return "outrigger-injector --kubeconfig" + strings.Join(strings.Fields(strings.ReplaceAll(after, "\\\n", "")), " ")
}

// settle waits for an upgrade to be everywhere.
func (c *Cluster) settle(ctx context.Context, p *Plan, limit time.Duration, progress Progress) error {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, context.DeadlineExceeded)
	defer cancel()
	return c.await(ctx, c.rollouts(p.Objects), progress)
}

// askThrough asks through the API server until a pod is injected. Where that cannot be
// asked, it says so.
func (c *Cluster) askThrough(ctx context.Context, p *Plan, limit time.Duration, progress Progress) error {
	limited, cancel := context.WithTimeoutCause(ctx, min(limit, time.Minute), context.DeadlineExceeded)
	defer cancel()
	progress.step("asking the API server for a pod, as a dry run")
	var last error
	err := c.await(limited, []awaited{{"the API server", func(ctx context.Context) (string, error) {
		last = c.reach(ctx, p.Revision)
		if errors.Is(last, errNoCanary) || errors.Is(last, cluster.ErrRefused) {
			return "", nil
		}
		return "", last
	}}}, progress)
	switch {
	case err != nil && last != nil && ctx.Err() == nil:
		return last
	case err != nil:
		return err
	case last != nil:
		progress.note("not asked: %v", last)
		return nil
	}
	progress(Event{State: "ready", Object: "injection", Detail: "a pod that was asked for as a dry run has its sidecar"})
	return nil
}
