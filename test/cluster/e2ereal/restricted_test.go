package e2ereal_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"outrigger.dev/outrigger/test/cluster/outrigger"
)

// compliant is a workload as the level "restricted" wants it.
const compliant = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}, annotations: {traffic.sidecar.istio.io/excludeOutboundPorts: "8081"}}
    spec:
      securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
      containers:
      - name: web
        image: APP
        args: [serve]
        readinessProbe: {httpGet: {path: /readyz, port: 8080}, periodSeconds: 1}
        securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
`

// Where a plugin of the node redirects, a namespace that enforces "restricted" takes the pods,
// and their traffic goes through the sidecar all the same.
func TestRestrictedNamespaceWithCNIPlugin(t *testing.T) {
	t.Parallel()
	revision := newRevision(t, "cni", "pilot.cni.enabled=true")
	s := newSpace(t, outrigger.Restricted, revision)
	peer := newSpace(t).peer(t)
	s.apply(t, compliant)
	s.kubectl(t, "rollout", "status", "deployment/web", "--timeout=3m")
	pods, err := real(t).Client().CoreV1().Pods(s.name).List(within(t), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	pod := &pods.Items[0]
	if first := pod.Spec.InitContainers[0].Name; first != "istio-validation" {
		t.Errorf("the first init container is %q, want istio-validation", first)
	}
	fetch(t, pod, "http://"+peer+":8080/")
	fetch(t, pod, "http://"+peer+":8081/") // which is excluded
	want := map[string]int{"inbound 8080": 2, "outbound 8080": 1}
	if d := cmp.Diff(want, connections(t, pod)); d != "" {
		t.Errorf("connections through the sidecar (-want +got):\n%s", d)
	}
}

// Without a plugin the API server refuses the pods. Who creates one reads what would help;
// who creates a Deployment reads of which container the talk is, which the guide explains.
func TestRestrictedNamespaceWithoutCNIPlugin(t *testing.T) {
	t.Parallel()
	s := newSpace(t, outrigger.Restricted)
	s.apply(t, compliant)
	t.Run("a pod", func(t *testing.T) {
		cmd := real(t).KubectlCommand(within(t), "run", "web", "--namespace="+s.name, "--image="+outrigger.AppImage)
		out, err := cmd.CombinedOutput()
		t.Logf("kubectl run:\n%s", out)
		if err == nil {
			t.Error("it was created, want it to be refused")
		}
		for _, want := range []string{
			`Warning: Pod Security "restricted" of this namespace forbids istio-init: let a CNI plugin redirect (pilot.cni.enabled=true)` + "\n",
			`violates PodSecurity "restricted:latest"`,
		} {
			if !strings.Contains(string(out), want) {
				t.Errorf("want %q in it", want)
			}
		}
	})
	t.Run("a Deployment", func(t *testing.T) {
		eventually(t, func() error {
			said := s.kubectl(t, "get", "events", "--field-selector=reason=FailedCreate",
				"--output=jsonpath={range .items[*]}{.message}{\"\\n\"}{end}")
			if !strings.Contains(said, `container "istio-init" must not include "NET_ADMIN", "NET_RAW"`) {
				return fmt.Errorf("events %q: want them to name istio-init", said)
			}
			t.Logf("the ReplicaSet's event:\n%s", said)
			return nil
		})
	})
}
