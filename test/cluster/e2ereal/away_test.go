package e2ereal_test

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"outrigger.dev/outrigger/test/cluster/outrigger"
)

// While no replica is left and failurePolicy is Fail, what the cluster needs to live is created
// all the same, Outrigger's own pods among it: so it comes back by itself. This runs alone:
// nobody else's pods are created meanwhile, either.
func TestInjectorThatIsAwayComesBackByItself(t *testing.T) {
	real(t)
	s := newSpace(t)
	injector(t, "scale", "deployment/outrigger-injector", "--replicas=0")
	back := func() {
		injector(t, "scale", "deployment/outrigger-injector", "--replicas=2")
		awaitInjectors(t)
		// The pods are ready before kube-proxy has heard of it.
		eventually(t, func() error { return s.create(t.Context(), t) })
	}
	defer func() {
		if t.Failed() { // the tests after this one need it
			back()
		}
	}()
	eventually(t, func() error {
		if pods := injectorPods(t); len(pods) > 0 {
			return fmt.Errorf("%d pods of outrigger-injector, want none", len(pods))
		}
		return nil
	})
	// Those that are about to go still answer, so it takes a while until nobody does.
	eventually(t, func() error {
		if err := s.create(t.Context(), t); !apierrors.IsInternalError(err) {
			return fmt.Errorf("a pod that would be injected: %v, want it to be refused", err)
		}
		return nil
	})
	for sentence, created := range map[string]struct {
		in  string
		pod corev1.Pod
	}{
		"in the system's namespace": {in: metav1.NamespaceSystem},
		"on the host's network":     {pod: corev1.Pod{Spec: corev1.PodSpec{HostNetwork: true}}},
		"opted out by label":        {pod: corev1.Pod{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"sidecar.istio.io/inject": "false"}}}},
		"opted out by annotation":   {pod: corev1.Pod{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{"sidecar.istio.io/inject": "false"}}}},
	} {
		pod := created.pod
		pod.GenerateName, pod.Spec.SchedulerName = "away-", "nobody"
		pod.Spec.Containers = []corev1.Container{{Name: "web", Image: outrigger.AppImage}}
		in := created.in
		if in == "" {
			in = s.name
		}
		made, err := real(t).Client().CoreV1().Pods(in).Create(within(t), &pod, metav1.CreateOptions{})
		if err != nil {
			t.Errorf("%s: %v", sentence, err)
			continue
		}
		kubectl(t, "delete", "pod", made.Name, "--namespace="+in, "--grace-period=0", "--force")
	}
	back()
}
