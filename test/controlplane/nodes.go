package controlplane

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// createNodes makes the nodes node-1, node-2 and so on, as their kubelets would register
// them.
func (c *ControlPlane) createNodes(ctx context.Context, count int) error {
	version, err := c.client.Discovery().ServerVersion()
	if err != nil {
		return err
	}
	for n := 1; n <= count; n++ {
		fresh := node(n, version.GitVersion)
		if _, err := c.client.CoreV1().Nodes().Create(ctx, fresh, metav1.CreateOptions{}); err != nil {
			return fmt.Errorf("node %q: %w", fresh.Name, err)
		}
	}
	return nil
}

// node is a machine with 16 cores and 64 GiB that is ready. The kubelet's version is the
// API server's: kwok's own, which stands there otherwise, is no semantic version, and
// whoever asks whether a node knows native sidecars stumbles over it.
func node(n int, version string) *corev1.Node {
	name := fmt.Sprintf("node-%d", n)
	pods := fmt.Sprintf("10.244.%d.0/24", n)
	capacity := corev1.ResourceList{
		corev1.ResourceCPU:              resource.MustParse("16"),
		corev1.ResourceMemory:           resource.MustParse("64Gi"),
		corev1.ResourceEphemeralStorage: resource.MustParse("500Gi"),
		corev1.ResourcePods:             resource.MustParse("1000"),
	}
	now := metav1.Now()
	return &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{
			Name: name,
			Labels: map[string]string{
				corev1.LabelHostname:   name,
				corev1.LabelOSStable:   "linux",
				corev1.LabelArchStable: "amd64",
			},
		},
		Spec: corev1.NodeSpec{PodCIDR: pods, PodCIDRs: []string{pods}},
		Status: corev1.NodeStatus{
			Capacity:    capacity,
			Allocatable: capacity,
			Addresses: []corev1.NodeAddress{
				{Type: corev1.NodeInternalIP, Address: fmt.Sprintf("192.0.2.%d", n)}, // from RFC 5737
				{Type: corev1.NodeHostName, Address: name},
			},
			Conditions: []corev1.NodeCondition{{
				Type: corev1.NodeReady, Status: corev1.ConditionTrue, Reason: "KubeletReady",
				Message: "kubelet is posting ready status", LastHeartbeatTime: now, LastTransitionTime: now,
			}},
			NodeInfo: corev1.NodeSystemInfo{
				Architecture: "amd64", OperatingSystem: "linux", OSImage: "played by kwok",
				KubeletVersion: version, ContainerRuntimeVersion: "kwok://0", KernelVersion: "6.12.0",
			},
		},
	}
}
