package e2ereal_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
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
		s.serving(t, pod.Name)
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

// serving waits for an application without a probe to say that it answers.
func (s space) serving(t *testing.T, pod string) {
	t.Helper()
	eventually(t, func() error {
		if said := s.kubectl(t, "logs", pod); !strings.Contains(said, "msg=serving") {
			return fmt.Errorf("pod %q: does not serve: %s", pod, said)
		}
		return nil
	})
}

// trafficCase is what a pod says about traffic, and what its sidecar sees then.
type trafficCase struct {
	annotations map[string]string
	user        int
	want        []string
}

// trafficCases are for pods that are asked at two ports, and ask the peer at two ports of its
// pod and at one of its Service.
func trafficCases(pod, service string) map[string]trafficCase {
	return map[string]trafficCase{
		"nothing": {
			want: []string{"inbound 8080", "inbound 8443", "outbound 80", "outbound 8080", "outbound 8081"},
		},
		"classic sidecar": {
			annotations: map[string]string{"sidecar.istio.io/nativeSidecar": "false"},
			want:        []string{"inbound 8080", "inbound 8443", "outbound 80", "outbound 8080", "outbound 8081"},
		},
		"inbound port excluded": {
			annotations: map[string]string{"traffic.sidecar.istio.io/excludeInboundPorts": "8443"},
			want:        []string{"inbound 8080", "outbound 80", "outbound 8080", "outbound 8081"},
		},
		"one inbound port included": {
			annotations: map[string]string{"traffic.sidecar.istio.io/includeInboundPorts": "8443"},
			want:        []string{"inbound 8443", "outbound 80", "outbound 8080", "outbound 8081"},
		},
		"no inbound port included": {
			annotations: map[string]string{"traffic.sidecar.istio.io/includeInboundPorts": ""},
			want:        []string{"outbound 80", "outbound 8080", "outbound 8081"},
		},
		"outbound port excluded": {
			annotations: map[string]string{"traffic.sidecar.istio.io/excludeOutboundPorts": "8081"},
			want:        []string{"inbound 8080", "inbound 8443", "outbound 80", "outbound 8080"},
		},
		"outbound range excluded": {
			annotations: map[string]string{"traffic.sidecar.istio.io/excludeOutboundIPRanges": pod + "/32"},
			want:        []string{"inbound 8080", "inbound 8443", "outbound 80"},
		},
		"one outbound range included": {
			annotations: map[string]string{"traffic.sidecar.istio.io/includeOutboundIPRanges": service + "/32"},
			want:        []string{"inbound 8080", "inbound 8443", "outbound 80"},
		},
		"one outbound port included beside no range": {
			annotations: map[string]string{
				"traffic.sidecar.istio.io/includeOutboundIPRanges": "",
				"traffic.sidecar.istio.io/includeOutboundPorts":    "8081",
			},
			want: []string{"inbound 8080", "inbound 8443", "outbound 8081"},
		},
		"user id of the proxy": {
			user: 1337,
			want: []string{"inbound 8080", "inbound 8443"},
		},
		"interception mode none": {
			annotations: map[string]string{"sidecar.istio.io/interceptionMode": "NONE"},
		},
	}
}

// What a pod's author says about traffic is what the kernel does.
func TestTrafficGoesWhereThePodSays(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	pod, service := s.peer(t), s.peerService(t)
	for name, c := range trafficCases(pod, service) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			web := s.web(t, strings.ReplaceAll(name, " ", "-"), c.annotations, c.user)
			get(t, at(web, 8080, "/"))
			get(t, strings.Replace(at(web, 8443, "/"), "http:", "https:", 1))
			for _, url := range []string{"http://" + pod + ":8080/", "http://" + pod + ":8081/", "http://" + service + "/"} {
				if got := fetch(t, web, url); !strings.HasPrefix(got, "hello from peer") {
					t.Errorf("%s: %q, want the peer to say hello", url, got)
				}
			}
			seen := slices.Sorted(maps.Keys(connections(t, web)))
			if d := cmp.Diff(c.want, seen); d != "" {
				t.Errorf("connections through the sidecar (-want +got):\n%s", d)
			}
		})
	}
}

// web runs a pod that answers at the ports 8080 and 8443, as some user, 0 being the image's.
func (s space) web(t *testing.T, name string, annotations map[string]string, user int) *corev1.Pod {
	t.Helper()
	if user == 0 {
		user = 65532
	}
	said, err := json.Marshal(annotations)
	if err != nil {
		t.Fatal(err)
	}
	s.apply(t, fmt.Sprintf(`
apiVersion: v1
kind: Pod
metadata: {name: %s, annotations: %s}
spec:
  containers:
  - name: web
    image: APP
    args: [serve, --https=8443]
    securityContext: {runAsUser: %d}
    readinessProbe: {httpGet: {path: /readyz, port: 8080}, periodSeconds: 1}
`, name, said, user))
	return s.ready(t, name)
}

// peerService gives the peer a Service at port 80, and returns its address once it answers.
func (s space) peerService(t *testing.T) string {
	t.Helper()
	s.kubectl(t, "expose", "pod", "peer", "--port=80", "--target-port=8080")
	service, err := real(t).Client().CoreV1().Services(s.name).Get(within(t), "peer", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error {
		_, err := send(within(t), "GET", "http://"+service.Spec.ClusterIP+"/")
		return err
	})
	return service.Spec.ClusterIP
}
