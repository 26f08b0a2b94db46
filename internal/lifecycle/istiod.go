package lifecycle

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// An Istiod is one revision of Istio's injector, as its webhook configurations tell of it.
type Istiod struct {
	// Namespace is istiod's, Revision its own name for itself: "default" where it has none.
	Namespace, Revision string
	// Tags are more names for the revision.
	Tags []string
	// Configurations are its webhook configurations, those of its tags included.
	Configurations []string
}

// Config is what the chart's value istio.config is for it.
func (i *Istiod) Config() string {
	if i.Revision == DefaultRevision {
		return i.Namespace
	}
	return i.Namespace + "/" + i.Revision
}

// istiosSuffix is what the names of Istio's entries for injection end in.
const istiosSuffix = "sidecar-injector.istio.io"

// findIstiod finds the one that spec names: a namespace, namespace/revision, or "auto".
func (c *Cluster) findIstiod(ctx context.Context, spec string) (*Istiod, error) {
	all, err := c.istiods(ctx)
	if err != nil {
		return nil, err
	}
	var found []*Istiod
	for _, i := range all {
		if spec == "auto" || spec == i.Config() || spec == i.Namespace+"/"+i.Revision {
			found = append(found, i)
		}
	}
	var known []string
	for _, i := range all {
		known = append(known, i.Config())
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(all) == 0:
		return nil, fmt.Errorf("no webhook configuration in this cluster is an istiod's")
	case len(found) == 0:
		return nil, fmt.Errorf("%q: no istiod injects from there, want %s", spec, strings.Join(known, " or "))
	}
	return nil, fmt.Errorf("%d istiods inject in this cluster, want one of them named: --adopt-istio=%s", len(found), strings.Join(known, " or --adopt-istio="))
}

// istiods are all that have a webhook configuration, by namespace and revision.
func (c *Cluster) istiods(ctx context.Context) ([]*Istiod, error) {
	list, err := c.client.AdmissionregistrationV1().MutatingWebhookConfigurations().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	found := map[string]*Istiod{}
	for _, m := range list.Items {
		namespace, ours := istiosNamespace(&m)
		if !ours {
			continue
		}
		revision := m.Labels["istio.io/rev"]
		if revision == "" {
			revision = DefaultRevision
		}
		key := namespace + "/" + revision
		if found[key] == nil {
			found[key] = &Istiod{Namespace: namespace, Revision: revision}
		}
		i := found[key]
		i.Configurations = append(i.Configurations, m.Name)
		if tag := m.Labels["istio.io/tag"]; tag != "" && tag != revision {
			i.Tags = append(i.Tags, tag)
		}
	}
	var all []*Istiod
	for _, key := range slices.Sorted(maps.Keys(found)) {
		all = append(all, found[key])
	}
	return all, nil
}

// istiosNamespace says whether a configuration is an istiod's, and where that one is.
func istiosNamespace(c *admissionv1.MutatingWebhookConfiguration) (namespace string, is bool) {
	for _, w := range c.Webhooks {
		if !strings.HasSuffix(w.Name, istiosSuffix) {
			continue
		}
		if service := w.ClientConfig.Service; service != nil {
			return service.Namespace, true
		}
		is = true
	}
	return "istio-system", is
}

// adopt sets what has to be set to stand in for an istiod, where nothing is set.
func (v Values) adopt(i *Istiod) {
	more := Values{"istio": map[string]any{"config": i.Config()}}
	if i.Revision != DefaultRevision {
		more["revision"] = i.Revision
	}
	if len(i.Tags) > 0 {
		var tags []any
		for _, tag := range i.Tags {
			tags = append(tags, tag)
		}
		more["revisionTags"] = tags
	}
	v.fill(more)
}

// takeOver makes the entries of an istiod's configurations match nothing.
func (c *Cluster) takeOver(ctx context.Context, i *Istiod, release string, progress Progress) error {
	for _, name := range i.Configurations {
		changed, err := c.setCondition(ctx, name, adopted, c.Namespace+"/"+release, true)
		if err != nil {
			return err
		}
		if changed {
			progress(Event{State: "updated", Object: webhookKind + " " + name, Detail: "matches nothing: Outrigger stands in"})
		}
	}
	return nil
}

// giveBack undoes takeOver, for every configuration that one of the owners has taken over,
// or anybody where there are none.
func (c *Cluster) giveBack(ctx context.Context, owners []string, progress Progress) error {
	list, err := c.client.AdmissionregistrationV1().MutatingWebhookConfigurations().List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	for _, m := range list.Items {
		by, taken := m.Annotations[annotationOf(adopted)]
		if !taken || len(owners) > 0 && !slices.Contains(owners, by) {
			continue
		}
		if _, err := c.setCondition(ctx, m.Name, adopted, "", false); err != nil {
			return err
		}
		progress(Event{State: "updated", Object: webhookKind + " " + m.Name, Detail: "given back: it injects again"})
	}
	return nil
}
