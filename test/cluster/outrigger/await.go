package outrigger

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"outrigger.dev/outrigger/test/cluster"
)

// patience is how long a node's rules for a Service that is there may take.
const patience = time.Minute

// awaitInjection returns when a pod that asks for a sidecar gets one. That the replicas are
// ready does not suffice: the API server has to hear of the webhook, and kube-proxy of the
// Service's endpoints. Until it has, the network that the Service's address is in is
// unreachable.
func awaitInjection(ctx context.Context, c *cluster.Cluster, revision string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		err := injects(ctx, c, revision)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("no pod is injected yet, %s after every replica was ready: %w", patience, err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// injects creates a pod in a dry run, which leaves nothing behind, and says why it has no
// sidecar.
func injects(ctx context.Context, c *cluster.Cluster, revision string) error {
	labels := map[string]string{"sidecar.istio.io/inject": "true"}
	if revision != "" {
		labels["istio.io/rev"] = revision
	}
	pod, err := c.Client().CoreV1().Pods(metav1.NamespaceDefault).Create(ctx, &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "injected-", Labels: labels},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: AppImage}}},
	}, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	if err != nil {
		return err
	}
	if _, injected := pod.Annotations["sidecar.istio.io/status"]; !injected {
		return errors.New("the API server did not call the webhook")
	}
	return nil
}
