package analyze

import (
	"fmt"
	"slices"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// alone finds installations that fail closed and can be away: fewer than two replicas,
// or no disruption budget.
func alone(s *Scene) ([]Finding, error) {
	if !s.knowsAll("poddisruptionbudgets") {
		return nil, nil
	}
	var all []Finding
	for _, o := range s.kind("Deployment") {
		var d appsv1.Deployment
		if o.Labels[nameLabel] != ownName || !s.failsClosed(o.Labels[revisionOwner]) {
			continue
		}
		if err := o.into(&d); err != nil {
			return nil, err
		}
		f := Finding{Object: o.Subject}
		budgeted, err := s.budgeted(d)
		switch {
		case err != nil:
			return nil, err
		case d.Spec.Replicas != nil && *d.Spec.Replicas < 2:
			f.Message = fmt.Sprintf("has %s, and pods wait while it is away: failurePolicy is Fail", counted(int(*d.Spec.Replicas), "replica"))
			f.Fix = "outrigger install --set replicaCount=2"
		case !budgeted:
			f.Message = "has no PodDisruptionBudget, so that a drain may take all replicas at once: failurePolicy is Fail"
			f.Fix = "outrigger install --set podDisruptionBudget.enabled=true"
		default:
			continue
		}
		all = append(all, f)
	}
	return all, nil
}

// failsClosed says whether pods wait for the installation of a revision.
func (s *Scene) failsClosed(revision string) bool {
	return slices.ContainsFunc(s.ours(), func(c admissionv1.MutatingWebhookConfiguration) bool {
		return c.Labels[revisionOwner] == revision && slices.ContainsFunc(c.Webhooks, func(h admissionv1.MutatingWebhook) bool {
			return h.FailurePolicy == nil || *h.FailurePolicy == admissionv1.Fail
		})
	})
}

// budgeted says whether a disruption budget has the pods of a Deployment.
func (s *Scene) budgeted(d appsv1.Deployment) (bool, error) {
	for _, o := range s.kind("PodDisruptionBudget") {
		var b policyv1.PodDisruptionBudget
		if err := o.into(&b); err != nil {
			return false, err
		}
		selector, err := metav1.LabelSelectorAsSelector(b.Spec.Selector)
		if err == nil && b.Namespace == d.Namespace && selector.Matches(labels.Set(d.Spec.Template.Labels)) {
			return true, nil
		}
	}
	return false, nil
}
