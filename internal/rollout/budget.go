package rollout

import (
	"context"
	"fmt"

	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// blocking is what stands against taking so many pods with these labels at a time: the
// first disruption budget that does not allow it now, "" where all do. The API server
// asks no budget about a rollout; whoever starts one has to.
func (r *Restarter) blocking(ctx context.Context, namespace string, pods labels.Set, down int) (string, error) {
	budgets, err := r.Client.PolicyV1().PodDisruptionBudgets(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return "", fmt.Errorf("poddisruptionbudgets: %w", err)
	}
	for _, b := range budgets.Items {
		selector, err := metav1.LabelSelectorAsSelector(b.Spec.Selector)
		if err != nil || !selector.Matches(pods) {
			continue // one that cannot be read selects nothing
		}
		if why := forbids(b, down); why != "" {
			return fmt.Sprintf("PodDisruptionBudget %s/%s %s", b.Namespace, b.Name, why), nil
		}
	}
	return "", nil
}

// forbids says why a budget does not allow so many disruptions; "" where it does.
func forbids(b policyv1.PodDisruptionBudget, down int) string {
	s := b.Status
	switch {
	case s.ObservedGeneration < b.Generation:
		return "is not counted yet"
	case int(s.DisruptionsAllowed) >= down:
		return ""
	}
	return fmt.Sprintf("allows %d disruptions, and the rollout takes %d at a time (%d of %d pods are healthy, %d have to be)",
		s.DisruptionsAllowed, down, s.CurrentHealthy, s.ExpectedPods, s.DesiredHealthy)
}
