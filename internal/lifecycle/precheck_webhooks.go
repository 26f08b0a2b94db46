package lifecycle

import (
	"context"
	"fmt"
	"slices"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// checkWebhooks finds other webhooks that are asked about the pods that we are: an istiod's
// is a second injector, any other one is worth knowing.
func (c *Cluster) checkWebhooks(ctx context.Context, p *Plan) (all []Finding, err error) {
	list, err := c.client.AdmissionregistrationV1().MutatingWebhookConfigurations().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	ours := p.configurations()
	for _, m := range list.Items {
		if slices.Contains(ours, m.Name) || isOff(&m, adopted) {
			continue
		}
		about := webhookKind + " " + m.Name
		switch _, istios := istiosNamespace(&m); {
		case istios && overlaps(&m, p):
			if p.Istio != nil && slices.Contains(p.Istio.Configurations, m.Name) {
				all = append(all, Finding{Info, "webhooks", about, "this istiod's injector is taken over", ""})
				continue
			}
			all = append(all, Finding{Warning, "webhooks", about, "this istiod injects the same pods", "outrigger install --adopt-istio"})
		case overlaps(&m, p):
			all = append(all, Finding{Info, "webhooks", about, "is asked about the same pods; what it adds later is injected, too", ""})
		}
	}
	return all, nil
}

// asked are the labels of a namespace by which we are asked about every pod in it.
func (p *Plan) asked() labels.Set {
	set := labels.Set{"kubernetes.io/metadata.name": "any"}
	if p.Revision == DefaultRevision {
		set["istio-injection"] = "enabled"
	} else {
		set["istio.io/rev"] = p.Revision
	}
	return set
}

// overlaps says whether a configuration is asked about pods in namespaces that we are
// asked about.
func overlaps(c *admissionv1.MutatingWebhookConfiguration, p *Plan) bool {
	return slices.ContainsFunc(c.Webhooks, func(w admissionv1.MutatingWebhook) bool {
		creates := slices.ContainsFunc(w.Rules, func(r admissionv1.RuleWithOperations) bool {
			has := func(in []string, what string) bool { return slices.Contains(in, what) || slices.Contains(in, "*") }
			return has(r.APIGroups, "") && has(r.Resources, "pods") &&
				(slices.Contains(r.Operations, admissionv1.Create) || slices.Contains(r.Operations, admissionv1.OperationAll))
		})
		return creates && selects(w.NamespaceSelector, p.asked()) && selects(w.ObjectSelector, labels.Set{})
	})
}

func selects(selector *metav1.LabelSelector, set labels.Set) bool {
	if selector == nil {
		return true
	}
	s, err := metav1.LabelSelectorAsSelector(selector)
	return err == nil && s.Matches(set)
}

// checkNamespaces finds namespaces that say two things at once.
func (c *Cluster) checkNamespaces(ctx context.Context, _ *Plan) (all []Finding, err error) {
	list, err := c.client.CoreV1().Namespaces().List(ctx, metav1.ListOptions{LabelSelector: "istio-injection,istio.io/rev"})
	if err != nil {
		return nil, err
	}
	for _, ns := range list.Items {
		what := fmt.Sprintf("labelled istio-injection=%s and istio.io/rev=%s: the first one counts", ns.Labels["istio-injection"], ns.Labels["istio.io/rev"])
		all = append(all, Finding{Warning, "labels", "Namespace " + ns.Name, what, "kubectl label namespace " + ns.Name + " istio.io/rev-"})
	}
	return all, nil
}
