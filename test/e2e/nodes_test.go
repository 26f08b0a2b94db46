package e2e_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"outrigger.dev/outrigger/test/e2e/injector"
)

// kindOf is whether a pod's sidecar is native or classic.
func kindOf(pod *corev1.Pod) string {
	for kind, list := range map[string][]corev1.Container{"native": pod.Spec.InitContainers, "classic": pod.Spec.Containers} {
		for _, name := range names(list) {
			if name == "istio-proxy" {
				return kind
			}
		}
	}
	return "none"
}

// nativeUnasked is [injector.NativeUnasked] of the tests' cluster.
func nativeUnasked(t *testing.T) bool {
	t.Helper()
	unasked, err := injector.NativeUnasked(cluster)
	if err != nil {
		t.Fatal(err)
	}
	return unasked
}

// nativeWanted is what a pod's annotations say besides to get a native sidecar: nothing, where
// the nodes see to that.
func nativeWanted(t *testing.T) string {
	t.Helper()
	if nativeUnasked(t) {
		return ""
	}
	return native
}

// awaitKind creates pods that may land anywhere until they get a kind of sidecar.
func awaitKind(t *testing.T, namespace, want string) {
	t.Helper()
	ctx := within(t)
	for {
		got := kindOf(mustCreate(t, namespace, newPod("", func(pod *corev1.Pod) { pod.GenerateName = "await-" })))
		if got == want {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("sidecars are %s, want %s", got, want)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// joinOldNode has a node of before native sidecars join the cluster, for as long
// as the test runs and until all servers have seen it leave.
func joinOldNode(t *testing.T, name string, namespaces ...string) {
	t.Helper()
	nodes := cluster.Client().CoreV1().Nodes()
	t.Cleanup(func() {
		// The test's own context has ended.
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		defer cancel()
		if err := nodes.Delete(ctx, name, metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	})
	_, err := nodes.Create(within(t), &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{
			corev1.LabelHostname: name, corev1.LabelOSStable: "linux", "example.com/pool": "old", "example.com/size": "4",
		}},
		Status: corev1.NodeStatus{
			Allocatable: corev1.ResourceList{}, Capacity: corev1.ResourceList{},
			NodeInfo: corev1.NodeSystemInfo{KubeletVersion: "v1.32.9", OperatingSystem: "linux", Architecture: "amd64"},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, namespace := range namespaces {
		awaitKind(t, namespace, "classic")
	}
}

// requires gives a pod a required node affinity of one requirement.
func requires(key string, operator corev1.NodeSelectorOperator, values ...string) func(*corev1.Pod) {
	return func(pod *corev1.Pod) {
		pod.Spec.Affinity = &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{
			RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{
				{MatchExpressions: []corev1.NodeSelectorRequirement{{Key: key, Operator: operator, Values: values}}},
			}},
		}}
	}
}

// In a cluster whose nodes are upgraded one by one each pod gets the sidecar that
// works where it may land.
//
// It is not parallel: while the old node is there, pods that may land anywhere get
// classic sidecars.
func TestNativeWhereThePodMayLand(t *testing.T) {
	namespace, ofCanary := newNamespace(t, enabled), newNamespace(t, map[string]string{"istio.io/rev": "canary"})
	awaitKind(t, namespace, "native")
	t.Run("with an old node", func(t *testing.T) {
		joinOldNode(t, "old-1", namespace, ofCanary)
		selects := func(key, value string) func(*corev1.Pod) {
			return func(pod *corev1.Pod) { pod.Spec.NodeSelector = map[string]string{key: value} }
		}
		on := func(node string) func(*corev1.Pod) {
			return func(pod *corev1.Pod) { pod.Spec.NodeName, pod.Spec.SchedulingGates = node, nil }
		}
		for name, c := range map[string]struct {
			change func(*corev1.Pod)
			want   string
		}{
			"anywhere":                      {func(*corev1.Pod) {}, "classic"},
			"a nodeSelector of the old":     {selects("example.com/pool", "old"), "classic"},
			"a nodeSelector of a new one":   {selects("kubernetes.io/hostname", "node-1"), "native"},
			"a nodeSelector of both":        {selects("kubernetes.io/os", "linux"), "classic"},
			"a nodeSelector of none":        {selects("example.com/pool", "elsewhere"), "classic"},
			"affinity to the new":           {requires("example.com/pool", corev1.NodeSelectorOpNotIn, "old"), "native"},
			"affinity to what it lacks":     {requires("example.com/pool", corev1.NodeSelectorOpDoesNotExist), "native"},
			"affinity to the old":           {requires("example.com/pool", corev1.NodeSelectorOpIn, "old", "older"), "classic"},
			"affinity by a number":          {requires("example.com/size", corev1.NodeSelectorOpGt, "3"), "classic"},
			"bound to a new node":           {on("node-2"), "native"},
			"bound to the old node":         {on("old-1"), "classic"},
			"its own annotation goes first": {annotated("sidecar.istio.io/nativeSidecar", "true"), "native"},
		} {
			pod := mustCreate(t, namespace, newPod("", c.change, func(pod *corev1.Pod) { pod.GenerateName = "lands-" }))
			if got := kindOf(pod); got != c.want {
				t.Errorf("%s: %s, want %s", name, got, c.want)
			}
		}
		wantDaemonSetPods(t, namespace, map[string]string{"node-1": "native", "node-2": "native", "old-1": "classic"})
	})
	awaitKind(t, namespace, "native")
	awaitKind(t, ofCanary, "native")
}

// wantDaemonSetPods makes a DaemonSet, and wants its pods to have kinds of sidecars
// by the node that each is for.
func wantDaemonSetPods(t *testing.T, namespace string, want map[string]string) {
	t.Helper()
	labels := map[string]string{"app": "agent"}
	_, err := cluster.Client().AppsV1().DaemonSets(namespace).Create(within(t), &appsv1.DaemonSet{
		ObjectMeta: metav1.ObjectMeta{Name: "agent"},
		Spec: appsv1.DaemonSetSpec{
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec: corev1.PodSpec{
					Containers:  []corev1.Container{{Name: "app", Image: "example.com/agent:1"}},
					Tolerations: []corev1.Toleration{{Operator: corev1.TolerationOpExists}},
				},
			},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	ctx := within(t)
	for {
		pods, err := cluster.Client().CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{LabelSelector: "app=agent"})
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for _, pod := range pods.Items {
			for _, term := range pod.Spec.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms {
				got[term.MatchFields[0].Values[0]] = kindOf(&pod)
			}
		}
		if len(got) == len(want) {
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("sidecars of a DaemonSet's pods by node (-want +got):\n%s", diff)
			}
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("pods for %v, want %v: %v", got, want, ctx.Err())
		case <-time.After(100 * time.Millisecond):
		}
	}
}
