package e2ereal_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// A pod with users of its own, where root is nobody on the node: the rules are set and the
// proxy is exempted there, too. Whether the node can have one shows a pod without a sidecar.
func TestPodWithUsersOfItsOwn(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	manifest := func(name, inject string) string {
		return fmt.Sprintf(`
apiVersion: v1
kind: Pod
metadata: {name: %s, labels: {sidecar.istio.io/inject: "%s"}}
spec:
  hostUsers: false
  containers:
  - {name: web, image: APP, args: [serve], readinessProbe: {httpGet: {path: /readyz, port: 8080}, periodSeconds: 1}}
`, name, inject)
	}
	s.apply(t, manifest("plain", "false"))
	plain := s.await(t, "plain", func(pod *corev1.Pod) error {
		if why := s.noUsers(t, pod); why != "" {
			t.Skip("the node runs no pod with hostUsers: false, with or without a sidecar: ", why)
		}
		if pod.Status.Phase != corev1.PodRunning {
			return fmt.Errorf("phase %s", pod.Status.Phase)
		}
		return nil
	})
	s.apply(t, manifest("web", "true"))
	pod := s.ready(t, "web")
	if users := strings.Fields(processOf(t, pod, "istio-proxy").read(t, "uid_map")); users[0] == users[1] {
		t.Errorf("users %v, want those of the pod to be others on the node", users)
	}
	fetch(t, pod, at(plain, 8080, "/"))
	want := map[string]int{"inbound 8080": 1, "outbound 8080": 1}
	if d := cmp.Diff(want, connections(t, pod)); d != "" {
		t.Errorf("connections through the sidecar (-want +got):\n%s", d)
	}
}

// noUsers is why the node cannot give a pod users of its own, "" as long as it says nothing of
// the kind.
func (s space) noUsers(t *testing.T, pod *corev1.Pod) string {
	t.Helper()
	events, err := real(t).Client().CoreV1().Events(s.name).List(within(t), metav1.ListOptions{
		FieldSelector: "involvedObject.name=" + pod.Name + ",reason=FailedCreatePodSandBox",
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, event := range events.Items {
		if strings.Contains(event.Message, "user namespaces") {
			return event.Message
		}
	}
	return ""
}
