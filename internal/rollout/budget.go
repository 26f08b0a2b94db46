package rollout

import (
	"context"
	"fmt"
	"slices"

	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// budgets are the disruption budgets of pods with these labels. The API server asks none
// of them about a rollout; whoever starts one has to.
func (r *Restarter) budgets(ctx context.Context, namespace string, pods labels.Set) ([]policyv1.PodDisruptionBudget, error) {
	all, err := r.Client.PolicyV1().PodDisruptionBudgets(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("poddisruptionbudgets: %w", err)
	}
	return slices.DeleteFunc(all.Items, func(b policyv1.PodDisruptionBudget) bool {
		selector, err := metav1.LabelSelectorAsSelector(b.Spec.Selector)
		return err != nil || !selector.Matches(pods) // one that cannot be read selects nothing
	}), nil
}

// blocking is what stands against taking so many pods at a time: the first budget that
// does not allow it now, "" where all do.
func blocking(budgets []policyv1.PodDisruptionBudget, down int) string {
	for _, b := range budgets {
		if why := forbids(b, down); why != "" {
			return fmt.Sprintf("PodDisruptionBudget %s/%s %s", b.Namespace, b.Name, why)
		}
	}
	return ""
}

// uncountable is a budget that Kubernetes cannot count, and so never allows anything: one
// that is a share of the pods of a DaemonSet, which has no scale.
func uncountable(budgets []policyv1.PodDisruptionBudget) (leave, cure string) {
	for _, b := range budgets {
		if why := uncounted(b); why != "" {
			return fmt.Sprintf("PodDisruptionBudget %s/%s %s", b.Namespace, b.Name, why),
				"give it minAvailable as a number of pods, in the place of a percentage or maxUnavailable"
		}
	}
	return "", ""
}

// uncounted says why a budget cannot be counted; "" where it can.
func uncounted(b policyv1.PodDisruptionBudget) string {
	c := meta.FindStatusCondition(b.Status.Conditions, policyv1.DisruptionAllowedCondition)
	if c == nil || c.Reason != policyv1.SyncFailedReason {
		return ""
	}
	return "cannot be counted and allows nothing: " + c.Message
}

// forbids says why a budget does not allow so many disruptions; "" where it does.
func forbids(b policyv1.PodDisruptionBudget, down int) string {
	s := b.Status
	switch why := uncounted(b); {
	case why != "":
		return why
	case s.ObservedGeneration < b.Generation:
		return "is not counted yet"
	case int(s.DisruptionsAllowed) >= down:
		return ""
	}
	return fmt.Sprintf("allows %d disruptions, and the rollout takes %d at a time (%d of %d pods are healthy, %d have to be)",
		s.DisruptionsAllowed, down, s.CurrentHealthy, s.ExpectedPods, s.DesiredHealthy)
}
