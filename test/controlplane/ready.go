package controlplane

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// serverReady asks the API server whether it is ready, RBAC's rules included.
func (c *ControlPlane) serverReady(ctx context.Context) error {
	return c.client.Discovery().RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
}

// accountReady looks for the ServiceAccount without which no pod is admitted into the
// namespace default. The controller manager makes it.
func (c *ControlPlane) accountReady(ctx context.Context) error {
	_, err := c.client.CoreV1().ServiceAccounts(metav1.NamespaceDefault).Get(ctx, "default", metav1.GetOptions{})
	return err
}

// nodesReady looks whether pods can be bound to every node, and whether kwok keeps its
// lease: then it also plays its pods.
func (c *ControlPlane) nodesReady(ctx context.Context) error {
	nodes, err := c.client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	for _, node := range nodes.Items {
		for _, taint := range node.Spec.Taints {
			return fmt.Errorf("node %q: has the taint %s", node.Name, taint.Key)
		}
		leases := c.client.CoordinationV1().Leases(corev1.NamespaceNodeLease)
		if _, err := leases.Get(ctx, node.Name, metav1.GetOptions{}); err != nil {
			return err
		}
	}
	return nil
}
