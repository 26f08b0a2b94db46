package rollout

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/kubernetes"
)

// ErrFailed is that a rollout will not get any further by itself.
var ErrFailed = errors.New("the rollout has failed")

// Waiting says what a workload's rollout waits for, by kstatus and by its pods; "" for
// one that is complete. The error is [ErrFailed], or that the workload cannot be read.
func Waiting(ctx context.Context, client kubernetes.Interface, live *unstructured.Unstructured) (string, error) {
	result, err := status.Compute(live)
	if err != nil || result.Status == status.CurrentStatus {
		return "", err
	}
	why := result.Message
	if pods := podTrouble(ctx, client, live); pods != "" {
		why += ": " + pods
	}
	if result.Status == status.FailedStatus {
		return why, fmt.Errorf("%w: %s", ErrFailed, why)
	}
	return why, nil
}

// podTrouble says why a container of a workload's does not start, a sidecar or another
// init container included; "" where none says.
func podTrouble(ctx context.Context, client kubernetes.Interface, workload *unstructured.Unstructured) string {
	selector, found, _ := unstructured.NestedStringMap(workload.Object, "spec", "selector", "matchLabels")
	if !found {
		return ""
	}
	pods, err := client.CoreV1().Pods(workload.GetNamespace()).List(ctx, metav1.ListOptions{LabelSelector: labels.Set(selector).String()})
	if err != nil {
		return ""
	}
	for _, pod := range pods.Items {
		if why := trouble(pod.Status); why != "" {
			return fmt.Sprintf("pod %s: %s", pod.Name, why)
		}
	}
	return ""
}

// trouble says why a pod does not start; "" where nothing says.
func trouble(of corev1.PodStatus) string {
	for _, s := range slices.Concat(of.InitContainerStatuses, of.ContainerStatuses) {
		if waiting := s.State.Waiting; waiting != nil && waiting.Reason != "ContainerCreating" && waiting.Reason != "PodInitializing" {
			return strings.TrimSuffix(waiting.Reason+": "+waiting.Message, ": ")
		}
	}
	for _, condition := range of.Conditions {
		if condition.Type == corev1.PodScheduled && condition.Status == corev1.ConditionFalse {
			return condition.Message
		}
	}
	return ""
}

// errNotInTime is that something did not come to be in time.
var errNotInTime = errors.New("not in time")

// until asks again and again until nothing stands against it, and tells what does where
// that changes. A look that fails is what it waits for until the next, unless the next
// would fail, too.
func (r *Restarter) until(ctx context.Context, t Target, what string, check func(context.Context) (string, error)) error {
	told := ""
	for {
		why, err := check(ctx)
		if err != nil && ctx.Err() == nil {
			if errors.Is(err, ErrFailed) || apierrors.IsNotFound(err) || apierrors.IsForbidden(err) {
				return err
			}
			why = err.Error()
		}
		switch {
		case err == nil && why == "":
			return nil
		case why != "" && why != told && ctx.Err() == nil:
			r.tell(Event{State: "waiting", Target: t, Detail: why})
			told = why
		}
		select {
		case <-ctx.Done():
			if errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
				return fmt.Errorf("%s: %w: %s", what, errNotInTime, told)
			}
			return context.Cause(ctx)
		case <-time.After(r.Every):
		}
	}
}
