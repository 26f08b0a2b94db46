package check

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// A Replica is a server that runs as a pod.
type Replica struct {
	Namespace string `json:"namespace"`
	Pod       string `json:"pod"`
	Revision  string `json:"revision"`
	// Version is what it says of itself; "" where it cannot be asked, and then Why is why.
	Version string `json:"version,omitempty"`
	Why     string `json:"why,omitempty"`
	// Image is what it was told to run.
	Image string `json:"image"`
	Ready bool   `json:"ready"`
}

// Replicas are the servers in a namespace, or in all where it is "", by revision and name.
// Each is asked for its version, through the API server.
func (c *Cluster) Replicas(ctx context.Context, namespace string) ([]Replica, error) {
	pods, err := c.Kubernetes.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{LabelSelector: "app.kubernetes.io/name=outrigger-injector"})
	if err != nil {
		return nil, fmt.Errorf("pods: %w", err)
	}
	all := []Replica{}
	for _, pod := range pods.Items {
		r := Replica{Namespace: pod.Namespace, Pod: pod.Name, Revision: pod.Labels["outrigger.dev/revision"], Ready: IsReady(&pod)}
		if len(pod.Spec.Containers) > 0 {
			r.Image = pod.Spec.Containers[0].Image
		}
		r.Version, r.Why = c.versionOf(ctx, &pod)
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b Replica) int {
		return strings.Compare(a.Namespace+"/"+a.Revision+"/"+a.Pod, b.Namespace+"/"+b.Revision+"/"+b.Pod)
	})
	return all, nil
}

// versionOf is what a replica says of itself, or why it does not.
func (c *Cluster) versionOf(ctx context.Context, pod *corev1.Pod) (version, why string) {
	if pod.Status.Phase != corev1.PodRunning {
		return "", "it is " + string(pod.Status.Phase)
	}
	found, err := c.askReplica(ctx, pod)
	switch {
	case err != nil:
		return "", err.Error()
	case found.Version == "":
		return "", "it does not say"
	}
	return found.Version, ""
}

// IsReady says whether a pod is ready, and not on its way out.
func IsReady(pod *corev1.Pod) bool {
	return pod.DeletionTimestamp == nil && slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}
