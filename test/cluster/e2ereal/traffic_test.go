package e2ereal_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"outrigger.dev/outrigger/test/cluster/outrigger"
)

// What a user does first: the API server reaches the injector by its Service, the pods become
// ready with their sidecar, and what they are asked and ask goes through it.
func TestDeploymentRunsWithItsSidecar(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	peer := s.peer(t)
	s.kubectl(t, "create", "deployment", "web", "--image="+outrigger.AppImage, "--replicas=2", "--", "app", "serve")
	s.kubectl(t, "rollout", "status", "deployment/web", "--timeout=3m")
	printed := s.kubectl(t, "get", "pods", "--selector=app=web", "--no-headers")
	t.Logf("kubectl get pods:\n%s", printed)
	if strings.Count(printed, "2/2") != 2 {
		t.Errorf("kubectl get pods: want 2/2 for both")
	}
	pods, err := real(t).Client().CoreV1().Pods(s.name).List(within(t), metav1.ListOptions{LabelSelector: "app=web"})
	if err != nil {
		t.Fatal(err)
	}
	for _, pod := range pods.Items {
		if got := get(t, at(&pod, 8080, "/")); !strings.HasPrefix(got, "hello from "+pod.Name) {
			t.Errorf("%s: %q, want it to say hello", pod.Name, got)
		}
		if got := fetch(t, &pod, "http://"+peer+":8080/"); !strings.HasPrefix(got, "hello from peer") {
			t.Errorf("%s: fetched %q, want the peer to say hello", pod.Name, got)
		}
		want := map[string]int{"inbound 8080": 2, "outbound 8080": 1}
		if d := cmp.Diff(want, connections(t, &pod)); d != "" {
			t.Errorf("%s: connections through the sidecar (-want +got):\n%s", pod.Name, d)
		}
	}
}
