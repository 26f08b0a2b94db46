package e2e_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// kubectl runs kubectl as a person would and gives what it wrote.
func kubectl(t *testing.T, args ...string) string {
	t.Helper()
	out, err := cluster.Kubectl(within(t), args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// podsIn lists the pods of a namespace.
func podsIn(t *testing.T, namespace string) []corev1.Pod {
	t.Helper()
	list, err := cluster.Client().CoreV1().Pods(namespace).List(within(t), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return list.Items
}

// status is the status annotation, as Istio's tools read it.
type status struct {
	InitContainers, Containers, Volumes []string
}

func TestDeploymentGetsItsSidecar(t *testing.T) {
	t.Parallel()
	// What a pod gets that says nothing.
	unaskedInit := []string{"istio-init", "istio-proxy"}
	unaskedContainers := []string{"nginx"}
	if !nativeUnasked(t) {
		unaskedInit, unaskedContainers = []string{"istio-init"}, []string{"nginx", "istio-proxy"}
	}
	for name, c := range map[string]struct {
		labels           map[string]string
		change           string
		init, containers []string
		revision         string
		ready            string
	}{
		"of the kind that the nodes can have": {
			labels:     enabled,
			init:       unaskedInit,
			containers: unaskedContainers,
			revision:   "default",
			ready:      "2/2",
		},
		"native, where the pod wants that": {
			labels:     enabled,
			change:     `{"spec":{"template":{"metadata":{"annotations":{"sidecar.istio.io/nativeSidecar":"true"}}}}}`,
			init:       []string{"istio-init", "istio-proxy"},
			containers: []string{"nginx"},
			revision:   "default",
			ready:      "2/2",
		},
		"classic, where the pod wants that": {
			labels:     enabled,
			change:     `{"spec":{"template":{"metadata":{"annotations":{"sidecar.istio.io/nativeSidecar":"false"}}}}}`,
			init:       []string{"istio-init"},
			containers: []string{"nginx", "istio-proxy"},
			revision:   "default",
			ready:      "2/2",
		},
		"of a revision": {
			labels:     map[string]string{"istio.io/rev": "canary"},
			init:       unaskedInit,
			containers: unaskedContainers,
			revision:   "canary",
			ready:      "2/2",
		},
		"not in a namespace that nobody labelled": {
			containers: []string{"nginx"},
			ready:      "1/1",
		},
		"not in a namespace that declines": {
			labels:     map[string]string{"istio-injection": "disabled"},
			containers: []string{"nginx"},
			ready:      "1/1",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			namespace := newNamespace(t, c.labels)
			kubectl(t, "create", "deployment", "my-nginx", "--image=nginx:latest", "--namespace", namespace)
			if c.change != "" {
				kubectl(t, "patch", "deployment", "my-nginx", "--namespace", namespace, "--patch", c.change)
			}
			kubectl(t, "rollout", "status", "deployment/my-nginx", "--timeout=60s", "--namespace", namespace)
			kubectl(t, "wait", "pods", "--all", "--for=condition=Ready", "--timeout=60s", "--namespace", namespace)
			for _, pod := range podsIn(t, namespace) {
				if c.change != "" && pod.Annotations["sidecar.istio.io/nativeSidecar"] == "" {
					continue // of the first version, on its way out
				}
				if diff := cmp.Diff(c.init, names(pod.Spec.InitContainers)); diff != "" {
					t.Errorf("init containers (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(c.containers, names(pod.Spec.Containers)); diff != "" {
					t.Errorf("containers (-want +got):\n%s", diff)
				}
				if got := injectedBy(&pod); got != c.revision {
					t.Errorf("injected by %q, want %q", got, c.revision)
				}
				if c.revision == "" {
					continue
				}
				var said status
				if err := json.Unmarshal([]byte(pod.Annotations["sidecar.istio.io/status"]), &said); err != nil {
					t.Fatalf("status annotation: %v", err)
				}
				if len(said.InitContainers)+len(said.Containers) != 2 || len(said.Volumes) == 0 {
					t.Errorf("status annotation says %+v", said)
				}
			}
		})
	}
}

// A pod that is none of our business is not touched: the API server does not
// even ask.
func TestPodsElsewhereAreUntouched(t *testing.T) {
	t.Parallel()
	namespace := newNamespace(t, nil)
	kubectl(t, "create", "deployment", "my-nginx", "--image=nginx:latest", "--namespace", namespace)
	kubectl(t, "rollout", "status", "deployment/my-nginx", "--timeout=60s", "--namespace", namespace)
	for _, pod := range podsIn(t, namespace) {
		key := namespace + "/" + pod.Name
		if asked := calls(t, key)[key]; len(asked) > 0 {
			t.Errorf("%s: asked about: %v", key, asked)
		}
	}
}
