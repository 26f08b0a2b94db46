package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"helm.sh/helm/v4/pkg/action"
	"helm.sh/helm/v4/pkg/kube"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// A Removal is what uninstalling is about to take away, and what depends on that.
type Removal struct {
	// Revision is the one that goes; "" is all of them, and whatever else is labelled as
	// ours in the whole cluster.
	Revision string
	// Releases are Helm's, as namespace/name; Objects all that is labelled.
	Releases, Objects []string
	// Workloads carry what this revision has injected, as namespace/pod.
	Workloads []string
	// Tags are other names by which namespaces ask for it, Others revisions that stay.
	Tags, Others []string
}

// Nothing says whether there is nothing to take away.
func (r *Removal) Nothing() bool { return len(r.Releases) == 0 && len(r.Objects) == 0 }

// PlanRemoval finds out what there is of a revision, or of all of them where it is "".
func (c *Cluster) PlanRemoval(ctx context.Context, revision string) (*Removal, error) {
	r := &Removal{Revision: revision}
	objects, err := c.labelled(ctx, partOf)
	if err != nil {
		return nil, err
	}
	for _, o := range objects {
		of := o.GetLabels()[revisionKey]
		if revision != "" && of != revision {
			if of != "" && !slices.Contains(r.Others, of) {
				r.Others = append(r.Others, of)
			}
			continue
		}
		r.Objects = append(r.Objects, title(&o))
		if tag := o.GetLabels()[tagKey]; tag != "" && o.GetKind() == webhookKind {
			r.Tags = append(r.Tags, tag)
		}
	}
	in := c.Namespace
	if revision == "" {
		in = "" // everywhere
	}
	releases, err := c.releases(in)
	if err != nil {
		return nil, err
	}
	for _, f := range releases {
		if revision == "" || Values(f.Config).Revision() == revision {
			r.Releases = append(r.Releases, f.Namespace+"/"+f.Name)
		}
	}
	r.Workloads, err = c.injected(ctx, revision)
	slices.Sort(r.Others)
	return r, err
}

// injected are the pods that a revision has injected, as namespace/name.
func (c *Cluster) injected(ctx context.Context, revision string) ([]string, error) {
	pods, err := c.client.CoreV1().Pods("").List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	var all []string
	for _, pod := range pods.Items {
		by := pod.Labels["istio.io/rev"]
		if by == "" {
			by = pod.Annotations["istio.io/rev"]
		}
		if pod.Annotations["outrigger.dev/injection"] != "" && (revision == "" || by == revision || by == "" && revision == DefaultRevision) {
			all = append(all, pod.Namespace+"/"+pod.Name)
		}
	}
	return all, nil
}

// Uninstall carries out a removal: what was taken over from an istiod is given back, the
// webhook goes, and then the rest, whether there is a release or only some of its objects.
// It can be interrupted at any point and run again.
func (c *Cluster) Uninstall(ctx context.Context, r *Removal, limit time.Duration, progress Progress) error {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, context.DeadlineExceeded)
	defer cancel()
	done := func() error { return nil }
	if _, err := c.client.CoreV1().Namespaces().Get(ctx, c.Namespace, metav1.GetOptions{}); err == nil {
		held, l, err := c.acquire(ctx, func(what string) { progress.note("%s", what) })
		if err != nil {
			return err
		}
		ctx, done = held, l.release
	}
	return errors.Join(c.uninstall(ctx, r, progress), done())
}

func (c *Cluster) uninstall(ctx context.Context, r *Removal, progress Progress) error {
	owners := r.Releases
	if len(owners) == 0 { // the release may be gone, and what it took over not be given back
		owners = []string{c.Namespace + "/" + ReleaseName(r.Revision)}
	}
	if r.Revision == "" {
		owners = nil
	}
	if err := c.giveBack(ctx, owners, progress); err != nil {
		return err
	}
	if err := c.removeWebhooks(ctx, r.Revision, progress); err != nil {
		return err
	}
	for _, name := range r.Releases {
		if err := c.removeRelease(name, progress); err != nil {
			return err
		}
	}
	return c.sweep(ctx, r.Revision, progress)
}

// removeWebhooks deletes the webhook configurations, so that no pod waits for a server
// that is about to go.
func (c *Cluster) removeWebhooks(ctx context.Context, revision string, progress Progress) error {
	list, err := c.webhooks(ctx, revision)
	if err != nil {
		return err
	}
	for _, m := range list {
		err := c.client.AdmissionregistrationV1().MutatingWebhookConfigurations().Delete(ctx, m.Name, metav1.DeleteOptions{})
		if err != nil && !apierrors.IsNotFound(err) {
			return err
		}
		progress(Event{State: "deleted", Object: webhookKind + " " + m.Name})
	}
	return nil
}

// webhooks are our webhook configurations of a revision, or of all.
func (c *Cluster) webhooks(ctx context.Context, revision string) ([]admissionv1.MutatingWebhookConfiguration, error) {
	selector := partOf
	if revision != "" {
		selector = revisionSelector(revision)
	}
	list, err := c.client.AdmissionregistrationV1().MutatingWebhookConfigurations().List(ctx, metav1.ListOptions{LabelSelector: selector})
	if err != nil {
		return nil, err
	}
	return list.Items, nil
}

// removeRelease has Helm take away what it has installed, and its records.
func (c *Cluster) removeRelease(of string, progress Progress) error {
	namespace, name, _ := strings.Cut(of, "/")
	config, err := c.helm(namespace, nil)
	if err != nil {
		return err
	}
	remove := action.NewUninstall(config)
	remove.IgnoreNotFound, remove.WaitStrategy = true, kube.HookOnlyStrategy
	done, err := remove.Run(name)
	if err != nil {
		return fmt.Errorf("release %q: %w", name, err)
	}
	if done != nil && strings.TrimSpace(done.Info) != "" {
		progress.note("%s", strings.TrimSpace(done.Info))
	}
	progress(Event{State: "deleted", Object: "release " + of})
	return nil
}

// sweep deletes whatever is labelled and still there, until nothing is.
func (c *Cluster) sweep(ctx context.Context, revision string, progress Progress) error {
	selector := partOf
	if revision != "" {
		selector = revisionSelector(revision)
	}
	told := map[string]bool{}
	for {
		left, err := c.labelled(ctx, selector)
		if err != nil {
			return err
		}
		left = slices.DeleteFunc(left, func(o unstructured.Unstructured) bool {
			return o.GetKind() == "Lease" && o.GetName() == leaseName // ours, while we are here
		})
		if len(left) == 0 {
			return nil
		}
		for _, o := range left {
			if o.GetDeletionTimestamp() != nil {
				continue
			}
			if err := c.remove(ctx, &o); err != nil {
				return fmt.Errorf("%s: %w", title(&o), err)
			}
			if !told[identity(&o)] {
				told[identity(&o)] = true
				progress(Event{State: "deleted", Object: title(&o)})
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s is still there: %w", title(&left[0]), context.Cause(ctx))
		case <-time.After(c.every):
		}
	}
}

// remove deletes one object, and what controllers have made for it in the background.
func (c *Cluster) remove(ctx context.Context, o *unstructured.Unstructured) error {
	resource, err := c.resource(o.GroupVersionKind(), o.GetNamespace())
	if err != nil {
		return err
	}
	err = resource.Delete(ctx, o.GetName(), metav1.DeleteOptions{PropagationPolicy: new(metav1.DeletePropagationBackground)})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}
