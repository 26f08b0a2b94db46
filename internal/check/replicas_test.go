package check_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"outrigger.dev/outrigger/internal/check"
)

// Each replica is listed by what it says of itself, or why that is not known.
func TestReplicasSayTheirVersions(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/api/v1/namespaces/outrigger-system/pods", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(corev1.PodList{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "PodList"}, Items: []corev1.Pod{
			server("waiting", corev1.PodPending), server("silent", corev1.PodRunning), server("new", corev1.PodRunning), server("old", corev1.PodRunning),
		}})
	})
	mux.HandleFunc("/api/v1/namespaces/outrigger-system/pods/new:8081/proxy/readyz", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"ready": true, "version": "0.2.0", "checks": {"x": {"ready": true}}}`))
	})
	mux.HandleFunc("/api/v1/namespaces/outrigger-system/pods/old:8081/proxy/readyz", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable) // as one that is not ready answers
		_, _ = w.Write([]byte(`{"ready": false, "checks": {"x": {"ready": false}}}`))
	})
	api := httptest.NewServer(mux)
	t.Cleanup(api.Close)
	c, err := check.Connect(&rest.Config{Host: api.URL})
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.Replicas(t.Context(), of.Namespace)
	if err != nil {
		t.Fatal(err)
	}
	row := func(pod, version, why string, ready bool) check.Replica {
		return check.Replica{Namespace: of.Namespace, Pod: pod, Revision: of.Revision, Version: version, Why: why, Image: "example.com/injector:1", Ready: ready}
	}
	want := []check.Replica{
		row("new", "0.2.0", "", true),
		row("old", "", "it does not say", true),
		row("silent", "", "the server could not find the requested resource (get pods silent:8081)", true),
		row("waiting", "", "it is Pending", false),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("replicas (-want +got):\n%s", diff)
	}
}

// server is a pod of the installation's, which is ready where it runs.
func server(name string, phase corev1.PodPhase) corev1.Pod {
	pod := corev1.Pod{
		ObjectMeta: meta(name), Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "injector", Image: "example.com/injector:1"}}},
		Status: corev1.PodStatus{Phase: phase},
	}
	if phase == corev1.PodRunning {
		pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
	}
	return pod
}
