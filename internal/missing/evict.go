package missing

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"outrigger.dev/outrigger/inject"
)

// A PodClient makes and evicts the pods of one namespace.
type PodClient interface {
	Create(ctx context.Context, pod *corev1.Pod, opts metav1.CreateOptions) (*corev1.Pod, error)
	EvictV1(ctx context.Context, eviction *policyv1.Eviction) error
}

var (
	// ErrNobody is why a pod is not evicted that nothing would make anew.
	ErrNobody = errors.New("nothing would make it anew")
	// ErrNotInjected is why a pod is not evicted whose successor would miss its
	// sidecar, too.
	ErrNotInjected = errors.New("a new pod would not be injected either")
	// ErrBudget is why a pod was not evicted that a PodDisruptionBudget keeps.
	ErrBudget = errors.New("a disruption budget keeps it for now")
)

// Prove says whether there would be a pod with a sidecar in the place of one without:
// something has to make it, and the API server, asked to create it as a dry run, has to
// have it injected. It changes nothing.
func Prove(ctx context.Context, pods PodClient, pod *corev1.Pod) error {
	if metav1.GetControllerOf(pod) == nil {
		return ErrNobody
	}
	_, err := ProveNew(ctx, pods, successor(pod))
	return err
}

// ProveNew has the API server create a pod as a dry run, and returns what it would store.
// One that would have no sidecar is [ErrNotInjected]. It changes nothing.
func ProveNew(ctx context.Context, pods PodClient, pod *corev1.Pod) (*corev1.Pod, error) {
	made, err := pods.Create(ctx, pod, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}, FieldManager: "outrigger"})
	if err != nil {
		return nil, fmt.Errorf("a new pod would not be created: %w", err)
	}
	if !inject.Injected(made) {
		return nil, ErrNotInjected
	}
	return made, nil
}

// successor is a new pod in the place of one that was created before.
func successor(pod *corev1.Pod) *corev1.Pod {
	next := pod.DeepCopy()
	next.ObjectMeta = metav1.ObjectMeta{
		Namespace: pod.Namespace, GenerateName: pod.GenerateName,
		Labels: next.Labels, Annotations: next.Annotations, OwnerReferences: next.OwnerReferences,
	}
	if next.GenerateName == "" {
		next.GenerateName = pod.Name + "-"
	}
	for i := range next.OwnerReferences {
		next.OwnerReferences[i].BlockOwnerDeletion = nil // which only the controller may say
	}
	next.Status = corev1.PodStatus{}
	next.Spec.NodeName = ""
	next.Spec.EphemeralContainers = nil
	next.Spec.Priority, next.Spec.PreemptionPolicy = nil, nil // from the class, by the API server
	return next
}

// budgetAgain and budgetTries are how often an eviction is tried that a disruption
// budget stands against.
const (
	budgetAgain = 5 * time.Second
	budgetTries = 12
)

// Evict proves once more that there will be a pod with a sidecar, and then evicts the
// one without by the Eviction API, which keeps disruption budgets. One that is gone, or
// whose name another pod has by now, counts as evicted. It waits a minute at most for a
// budget.
func Evict(ctx context.Context, pods PodClient, pod *corev1.Pod) error {
	if err := Prove(ctx, pods, pod); err != nil {
		return err
	}
	eviction := &policyv1.Eviction{
		ObjectMeta:    metav1.ObjectMeta{Namespace: pod.Namespace, Name: pod.Name},
		DeleteOptions: &metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &pod.UID}},
	}
	for try := 1; ; try++ {
		err := pods.EvictV1(ctx, eviction)
		switch {
		case apierrors.IsNotFound(err) || apierrors.IsConflict(err):
			return nil
		case !apierrors.IsTooManyRequests(err):
			return err
		case try == budgetTries:
			return ErrBudget
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(budgetAgain):
		}
	}
}
