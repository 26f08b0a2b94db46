package main

import (
	"context"
	"fmt"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// A tenth of all is what Outrigger looks at twice: labelled namespaces, old nodes.
const tenth = 10

// fill makes the namespaces and the nodes.
func (s scale) fill(ctx context.Context, config *rest.Config) error {
	config = rest.CopyConfig(config)
	config.QPS = -1 // as fast as it goes
	config.ContentType = "application/vnd.kubernetes.protobuf"
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	err = eachOf(ctx, s.namespaces, s.clients, func(n int) error {
		_, err := client.CoreV1().Namespaces().Create(ctx, namespace(n), metav1.CreateOptions{})
		return err
	})
	if err != nil {
		return err
	}
	return eachOf(ctx, s.nodes, s.clients, func(n int) error {
		_, err := client.CoreV1().Nodes().Create(ctx, node(n), metav1.CreateOptions{})
		return err
	})
}

// eachOf calls do with each number below count, several at a time, until one fails.
func eachOf(ctx context.Context, count, atATime int, do func(n int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	numbers := make(chan int)
	var all sync.WaitGroup
	for range atATime {
		all.Go(func() {
			for n := range numbers {
				if err := do(n); err != nil {
					cancel(fmt.Errorf("%d of %d: %w", n, count, err))
				}
			}
		})
	}
	for n := 0; n < count && ctx.Err() == nil; n++ {
		numbers <- n
	}
	close(numbers)
	all.Wait()
	return context.Cause(ctx)
}

func namespaceName(n int) string { return fmt.Sprintf("team-%05d", n) }

// namespace is what a platform makes for a team. Its annotations are nothing that
// is read here.
func namespace(n int) *corev1.Namespace {
	labels := map[string]string{"example.com/team": fmt.Sprintf("team-%d", n/tenth), "example.com/stage": "production"}
	if n%tenth == 0 {
		labels["istio-injection"] = "enabled"
	}
	return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespaceName(n), Labels: labels, Annotations: map[string]string{
		"example.com/owner": fmt.Sprintf("owner-%d@example.com", n), "example.com/purpose": "the services of a team, and what these need",
	}}}
}

// node is one of a cloud: ten kilobytes, most of them about images. One label is
// its own, beside the hostname.
func node(n int) *corev1.Node {
	name := fmt.Sprintf("ip-10-%d-%d-%d.example.internal", n>>16&0xff, n>>8&0xff, n&0xff)
	kubelet := "v1.34.2"
	if n%tenth == 0 {
		kubelet = "v1.32.9"
	}
	labels := map[string]string{
		corev1.LabelHostname: name, corev1.LabelOSStable: "linux", corev1.LabelArchStable: "amd64",
		corev1.LabelTopologyRegion: "region-1", corev1.LabelTopologyZone: fmt.Sprintf("region-1%c", 'a'+n%3),
		corev1.LabelInstanceTypeStable: fmt.Sprintf("m7.%dxlarge", 1+n%4),
		"example.com/machine":          fmt.Sprintf("i-%017x", n),
		"example.com/pool":             fmt.Sprintf("pool-%d", n%20),
	}
	for i := range 17 {
		labels[fmt.Sprintf("feature.example.com/cpu-feature-%d", i)] = "true"
	}
	capacity := corev1.ResourceList{
		corev1.ResourceCPU: resource.MustParse("16"), corev1.ResourceMemory: resource.MustParse("64Gi"), corev1.ResourcePods: resource.MustParse("110"),
	}
	var images []corev1.ContainerImage
	for i := range 50 {
		images = append(images, corev1.ContainerImage{
			Names: []string{
				fmt.Sprintf("registry.example.com/team/app-%d@sha256:%064x", i, n*50+i), fmt.Sprintf("registry.example.com/team/app-%d:1.%d", i, n%100),
			},
			SizeBytes: int64(100_000_000 + i),
		})
	}
	now := metav1.Now()
	return &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels},
		Spec:       corev1.NodeSpec{ProviderID: fmt.Sprintf("example:///region-1/i-%017x", n)},
		Status: corev1.NodeStatus{
			Capacity: capacity, Allocatable: capacity, Images: images,
			Conditions: []corev1.NodeCondition{{
				Type: corev1.NodeReady, Status: corev1.ConditionTrue, Reason: "KubeletReady",
				Message: "kubelet is posting ready status", LastHeartbeatTime: now, LastTransitionTime: now,
			}},
			NodeInfo: corev1.NodeSystemInfo{
				Architecture: "amd64", OperatingSystem: "linux", OSImage: "Example Linux 12", KubeletVersion: kubelet,
				ContainerRuntimeVersion: "containerd://2.1.4", KernelVersion: "6.12.0", MachineID: fmt.Sprintf("%032x", n),
			},
		},
	}
}
