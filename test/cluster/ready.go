package cluster

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// runtimeReady asks containerd for its version.
func (c *Cluster) runtimeReady(ctx context.Context) error {
	if out, err := c.node.Command(ctx, "ctr", "version").CombinedOutput(); err != nil {
		return fmt.Errorf("ctr version: %w: %s", err, out)
	}
	return nil
}

// nodeReady looks whether the node takes pods.
func (c *Cluster) nodeReady(ctx context.Context) error {
	node, err := c.Client().CoreV1().Nodes().Get(ctx, NodeName, metav1.GetOptions{})
	if err != nil {
		return err
	}
	for _, taint := range node.Spec.Taints {
		return fmt.Errorf("node %q: has the taint %s", node.Name, taint.Key)
	}
	for _, condition := range node.Status.Conditions {
		if condition.Type == corev1.NodeReady && condition.Status != corev1.ConditionTrue {
			return fmt.Errorf("node %q: not ready: %s", node.Name, condition.Message)
		}
	}
	return nil
}

// kubeletReady asks the kubelet by way of the API server, which shows that logs and exec
// find it, too.
func (c *Cluster) kubeletReady(ctx context.Context) error {
	return c.Client().CoreV1().RESTClient().Get().
		Resource("nodes").Name(NodeName).SubResource("proxy").Suffix("healthz").Do(ctx).Error()
}

// serviceReady connects to the Service kubernetes: kube-proxy has made its rules.
func (c *Cluster) serviceReady(ctx context.Context) error {
	dialer := tls.Dialer{
		NetDialer: &net.Dialer{Timeout: time.Second},
		// Whoever answers with TLS will do: it is the way there that is looked at.
		Config: &tls.Config{InsecureSkipVerify: true},
	}
	conn, err := dialer.DialContext(ctx, "tcp", "10.96.0.1:443")
	if err != nil {
		return err
	}
	return conn.Close()
}
