package e2ereal_test

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"outrigger.dev/outrigger/test/cluster/outrigger"
)

// Outrigger's own pods: two, with nothing that they do not need.
func TestInjectorRunsUnderRestrictedPodSecurity(t *testing.T) {
	c := real(t)
	pods, err := c.Client().CoreV1().Pods(outrigger.Namespace).List(within(t), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("kubectl get pods:\n%s", kubectl(t, "get", "pods", "--namespace", outrigger.Namespace, "--output", "wide"))
	if len(pods.Items) != 2 {
		t.Errorf("%d pods, want 2", len(pods.Items))
	}
	for _, pod := range pods.Items {
		wantLocked(t, pod)
	}
	// The namespace means it.
	_, err = c.Client().CoreV1().Pods(outrigger.Namespace).Create(within(t), &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "root"},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "root", Image: "example.com/root"}}},
	}, metav1.CreateOptions{})
	if !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), "restricted") {
		t.Errorf("a pod that is not restricted: %v, want it to be refused", err)
	}
}

// wantLocked wants a pod that is ready, probed, and can write nothing.
func wantLocked(t *testing.T, pod corev1.Pod) {
	t.Helper()
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodReady && condition.Status != corev1.ConditionTrue {
			t.Errorf("%s: not ready: %s", pod.Name, condition.Message)
		}
	}
	container, status := pod.Spec.Containers[0], pod.Status.ContainerStatuses[0]
	if status.RestartCount != 0 || status.State.Running == nil {
		t.Errorf("%s: %d restarts, state %v, want it to run since the beginning", pod.Name, status.RestartCount, status.State)
	}
	if container.LivenessProbe == nil || container.ReadinessProbe == nil {
		t.Errorf("%s: not probed", pod.Name)
	}
	security := container.SecurityContext
	if !*security.ReadOnlyRootFilesystem || *security.AllowPrivilegeEscalation || !*pod.Spec.SecurityContext.RunAsNonRoot {
		t.Errorf("%s: %v, want nothing to write to and nothing to become", pod.Name, security)
	}
}
