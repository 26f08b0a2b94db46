package e2ereal_test

import (
	"os/exec"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// A gateway is a pod whose author leaves all to the template: image: auto. It takes any port
// without being root, and redirects nothing.
func TestGateway(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	s.apply(t, `
apiVersion: apps/v1
kind: Deployment
metadata: {name: gateway}
spec:
  selector: {matchLabels: {app: gateway}}
  template:
    metadata: {labels: {app: gateway}, annotations: {inject.istio.io/templates: gateway}}
    spec:
      containers:
      - name: istio-proxy
        image: auto
        imagePullPolicy: IfNotPresent # or the API server makes it Always, for an image without a tag
        ports: [{name: http, containerPort: 80}]
`)
	s.kubectl(t, "rollout", "status", "deployment/gateway", "--timeout=3m")
	pods, err := real(t).Client().CoreV1().Pods(s.name).List(within(t), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	pod := &pods.Items[0]
	if len(pod.Spec.InitContainers) != 0 || len(pod.Spec.Containers) != 1 {
		t.Errorf("%d init containers and %d containers, want the proxy alone", len(pod.Spec.InitContainers), len(pod.Spec.Containers))
	}
	proxy := processOf(t, pod, "istio-proxy")
	proxy.wantUser(t, "1337", "1337")
	if args := strings.Split(proxy.read(t, "cmdline"), "\x00"); len(args) < 3 || args[1] != "proxy" || args[2] != "router" {
		t.Errorf("it runs %q, want proxy router", args)
	}
	setting := "/proc/sys/net/ipv4/ip_unprivileged_port_start"
	out, err := exec.Command("nsenter", "--target", proxy.pid, "--net", "cat", setting).Output()
	if err != nil || strings.TrimSpace(string(out)) != "0" {
		t.Errorf("%s: %q, %v, want 0: it may listen at port 80", setting, out, err)
	}
	get(t, at(pod, 15021, "/healthz/ready"))
	if got := connections(t, pod); len(got) != 0 {
		t.Errorf("connections %v, want none: nothing is redirected", got)
	}
}
