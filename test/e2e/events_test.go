package e2e_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// newReplicaSet makes one that no controller looks after, to own pods.
func newReplicaSet(t *testing.T, namespace, name string) *appsv1.ReplicaSet {
	t.Helper()
	labels := map[string]string{"app": name}
	made, err := cluster.Client().AppsV1().ReplicaSets(namespace).Create(within(t), &appsv1.ReplicaSet{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: appsv1.ReplicaSetSpec{
			Replicas: new(int32), Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: newPod("").Spec},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// ownedBy makes a pod that of a ReplicaSet.
func ownedBy(owner *appsv1.ReplicaSet) func(*corev1.Pod) {
	return func(pod *corev1.Pod) {
		pod.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(owner, appsv1.SchemeGroupVersion.WithKind("ReplicaSet"))}
	}
}

// events are those about an object, as "REASON: MESSAGE".
func events(ctx context.Context, t *testing.T, about *appsv1.ReplicaSet) []string {
	t.Helper()
	list, err := cluster.Client().CoreV1().Events(about.Namespace).List(ctx, metav1.ListOptions{FieldSelector: "involvedObject.uid=" + string(about.UID)})
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, event := range list.Items {
		all = append(all, event.Reason+": "+event.Message)
	}
	return all
}

// awaitEvents waits until there are so many events about an object.
func awaitEvents(t *testing.T, about *appsv1.ReplicaSet, count int) []string {
	t.Helper()
	ctx := within(t)
	for {
		found := events(ctx, t, about)
		if len(found) >= count {
			return found
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s has the events %q, want %d", about.Name, found, count)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Who owns pods that are refused reads why, once however many are; a dry run leaves
// nothing. That it leaves nothing is seen when a later event is there.
func TestRefusedPodsLeaveOneEventOnTheirOwner(t *testing.T) {
	t.Parallel()
	namespace := newNamespace(t, enabled)
	refused, tried := newReplicaSet(t, namespace, "refused"), newReplicaSet(t, namespace, "tried")
	bad := annotated("traffic.sidecar.istio.io/includeInboundPorts", "http")
	dry := newPod("tried", bad, ownedBy(tried))
	if _, err := cluster.Client().CoreV1().Pods(namespace).Create(within(t), dry, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}}); err == nil {
		t.Error("the dry run was not refused")
	}
	for i := range 20 {
		if got := create(t, namespace, newPod(fmt.Sprintf("refused-%d", i), bad, ownedBy(refused))); got.Err == nil {
			t.Errorf("pod %d was not refused", i)
		}
	}
	awaitEvents(t, refused, 1)
	other := newReplicaSet(t, namespace, "other")
	create(t, namespace, newPod("other", annotated("inject.istio.io/templates", "none"), ownedBy(other)))
	awaitEvents(t, other, 1)
	if got := events(within(t), t, refused); len(got) != 1 || !strings.HasPrefix(got[0], "SidecarRefused: pods are refused: annotation traffic.sidecar.istio.io/includeInboundPorts") {
		t.Errorf("events of the refused: %q, want one", got)
	}
	if got := events(within(t), t, tried); len(got) > 0 {
		t.Errorf("the dry run left the events %q", got)
	}
}
