package e2ereal_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
)

// A container for each kind of probe. Each is told to hang at its port for plain HTTP. late
// would not outlive its liveness probe without the one for its start.
const probed = `
apiVersion: v1
kind: Pod
metadata: {name: probed}
spec:
  containers:
  - name: web
    image: APP
    args: [serve]
    ports: [{name: main, containerPort: 8080}]
    startupProbe: {httpGet: {path: /startupz, port: 8080}, periodSeconds: 1, timeoutSeconds: 5, failureThreshold: 60}
    livenessProbe: {httpGet: {path: /livez, port: main}, periodSeconds: 1, timeoutSeconds: 5}
    readinessProbe: {httpGet: {path: /readyz, port: main}, periodSeconds: 1, timeoutSeconds: 5}
  - name: tls
    image: APP
    args: [serve, --http=8082, --https=8443]
    livenessProbe: {httpGet: {scheme: HTTPS, path: /livez, port: 8443}, periodSeconds: 1, timeoutSeconds: 5}
    readinessProbe: {httpGet: {scheme: HTTPS, path: /readyz, port: 8443}, periodSeconds: 1, timeoutSeconds: 5}
  - name: tcp
    image: APP
    args: [serve, --http=8083, --tcp=9000]
    ports: [{name: echo, containerPort: 9000}]
    livenessProbe: {tcpSocket: {port: echo}, periodSeconds: 1, timeoutSeconds: 5}
    readinessProbe: {tcpSocket: {port: 9000}, periodSeconds: 1, timeoutSeconds: 5}
  - name: grpc
    image: APP
    args: [serve, --http=8084, --grpc=9090]
    livenessProbe: {grpc: {port: 9090, service: app}, periodSeconds: 1, timeoutSeconds: 5}
    readinessProbe: {grpc: {port: 9090}, periodSeconds: 1, timeoutSeconds: 5}
  - name: exec
    image: APP
    args: [serve, --http=8085]
    livenessProbe:
      exec: {command: [app, get, --quiet, --timeout=3s, "http://127.0.0.1:8085/livez"]}
      periodSeconds: 2
      timeoutSeconds: 10
    readinessProbe:
      exec: {command: [app, get, --quiet, --timeout=3s, "http://127.0.0.1:8085/readyz"]}
      periodSeconds: 2
      timeoutSeconds: 10
  - name: late
    image: APP
    args: [serve, --http=8086, --after=10s]
    startupProbe: {httpGet: {path: /startupz, port: 8086}, periodSeconds: 1, failureThreshold: 120}
    livenessProbe: {httpGet: {path: /livez, port: 8086}, periodSeconds: 1, timeoutSeconds: 5}
`

func TestProbesFindWhoIsWellAndWhoHangs(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	s.apply(t, probed)
	pod := s.ready(t, "probed")
	wantProbes(t, pod)
	for _, path := range []string{"startupz", "livez", "readyz"} {
		wantAsked(t, pod, 8080, path)
	}
	wantAsked(t, pod, 8082, "livez")
	for port := range connections(t, pod) {
		if port != "inbound 8080" && port != "inbound 8082" {
			t.Errorf("%s: seen by the sidecar, want no probe to be", port)
		}
	}
	wantRestarts(t, s.pod(t, "probed"), nil)

	post(t, at(pod, 8080, "/hang?probe=readyz"))
	s.await(t, "probed", func(pod *corev1.Pod) error {
		if status(pod, "web").Ready {
			return fmt.Errorf("web is ready, want it not to be while its probe hangs")
		}
		return nil
	})
	if _, err := send(within(t), http.MethodDelete, at(pod, 8080, "/hang")); err != nil {
		t.Fatal(err)
	}
	wantRestarts(t, s.ready(t, "probed"), nil)

	hanging := map[string]string{"web": ":8080/hang?probe=livez", "tls": ":8082/hang?probe=livez",
		"tcp": ":8083/hang?probe=tcp", "grpc": ":8084/hang?probe=grpc", "exec": ":8085/hang?probe=livez"}
	for _, path := range hanging {
		post(t, "http://"+pod.Status.PodIP+path)
	}
	for name := range hanging {
		wantToldToStop(t, s.await(t, "probed", func(pod *corev1.Pod) error {
			if status(pod, name).RestartCount == 0 {
				return fmt.Errorf("%s: not restarted, want it to be after it hangs", name)
			}
			return nil
		}), name)
	}
	wantRestarts(t, s.ready(t, "probed"), map[string]int32{"web": 1, "tls": 1, "tcp": 1, "grpc": 1, "exec": 1})
}

// wantProbes wants the probes over the network to ask the sidecar, and the others as they were.
func wantProbes(t *testing.T, pod *corev1.Pod) {
	t.Helper()
	got := map[string]string{}
	for _, c := range pod.Spec.Containers {
		got[c.Name] = where(c.LivenessProbe)
	}
	want := map[string]string{
		"web": "15020/app-health/web/livez", "tls": "15020/app-health/tls/livez", "tcp": "15020/app-health/tcp/livez",
		"grpc": "15020/app-health/grpc/livez", "late": "15020/app-health/late/livez", "exec": "exec",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("liveness probes (-want +got):\n%s", d)
	}
}

// where is what a probe asks.
func where(probe *corev1.Probe) string {
	switch {
	case probe.HTTPGet != nil:
		return probe.HTTPGet.Port.String() + probe.HTTPGet.Path
	case probe.Exec != nil:
		return "exec"
	}
	return probe.String()
}

// wantAsked wants an application to be asked for its health, again and again if that is what
// the kubelet does.
func wantAsked(t *testing.T, pod *corev1.Pod, port int, path string) {
	t.Helper()
	line := fmt.Sprintf(`app_requests_total{path="GET /%s"} `, path)
	before := ""
	eventually(t, func() error {
		_, after, found := strings.Cut(get(t, at(pod, port, "/metrics")), line)
		if !found {
			return fmt.Errorf("port %d: %s was not asked for", port, path)
		}
		count, _, _ := strings.Cut(after, "\n")
		if path != "startupz" && (before == "" || before == count) {
			before = count
			return fmt.Errorf("port %d: %s was asked for %s times, want more", port, path, count)
		}
		return nil
	})
}

// wantToldToStop wants a container to have been told to stop: the application ends with 0 for
// no other reason, and the kubelet has none but the liveness probe. (Its event is no proof: of
// a pod with much to say the kubelet keeps some back.)
func wantToldToStop(t *testing.T, pod *corev1.Pod, container string) {
	t.Helper()
	if last := status(pod, container).LastTerminationState.Terminated; last == nil || last.ExitCode != 0 {
		t.Errorf("%s: ended like this: %v, want it to have been told to stop", container, last)
	}
}

// Where the pod says so its probes stay, and are traffic as any other.
func TestProbesStayWhereThePodSaysSo(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	s.apply(t, `
apiVersion: v1
kind: Pod
metadata: {name: web, annotations: {sidecar.istio.io/rewriteAppHTTPProbers: "false"}}
spec:
  containers:
  - name: web
    image: APP
    args: [serve]
    livenessProbe: {httpGet: {path: /livez, port: 8080}, periodSeconds: 1, timeoutSeconds: 5}
    readinessProbe: {httpGet: {path: /readyz, port: 8080}, periodSeconds: 1, timeoutSeconds: 5}
`)
	pod := s.ready(t, "web")
	if got := where(pod.Spec.Containers[0].LivenessProbe); got != "8080/livez" {
		t.Errorf("liveness probe: %s, want it as it was", got)
	}
	eventually(t, func() error {
		if n := connections(t, pod)["inbound 8080"]; n < 3 {
			return fmt.Errorf("%d connections to the application, want one for each probe", n)
		}
		return nil
	})
	wantRestarts(t, s.pod(t, "web"), nil)
}
