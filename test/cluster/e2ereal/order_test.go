package e2ereal_test

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
)

// Nobody in these tests tries twice: the sidecar is there first.
func TestApplicationStartsAfterItsSidecar(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	peer := s.peer(t)
	t.Run("init container after a native sidecar", func(t *testing.T) {
		t.Parallel()
		s.apply(t, `
apiVersion: v1
kind: Pod
metadata: {name: native}
spec:
  initContainers:
  - {name: first, image: APP, args: [get, "http://`+peer+`:8080/"]}
  containers:
  - {name: app, image: APP, args: [get, "http://`+peer+`:8081/"]}
  - {name: stays, image: APP, args: [serve]}
  restartPolicy: Never
`)
		pod := s.ended(t, "native", "app", 0)
		wantEnded(t, pod, "first", 0)
		wantRestarts(t, pod, nil)
		wantConnections(t, pod, map[string]int{"outbound 8080": 1, "outbound 8081": 1})
	})
	t.Run("application held until a classic sidecar is ready", func(t *testing.T) {
		t.Parallel()
		s.apply(t, `
apiVersion: v1
kind: Pod
metadata:
  name: held
  annotations:
    sidecar.istio.io/nativeSidecar: "false"
    proxy.istio.io/config: '{"holdApplicationUntilProxyStarts": true}'
spec:
  containers:
  - {name: app, image: APP, args: [get, "http://`+peer+`:8080/"]}
  restartPolicy: Never
`)
		pod := s.ended(t, "held", "app", 0)
		if got := pod.Spec.Containers[0].Name; got != "istio-proxy" {
			t.Errorf("first container: %s, want the sidecar", got)
		}
		wantRestarts(t, pod, nil)
		wantConnections(t, pod, map[string]int{"outbound 8080": 1})
	})
}

// A classic sidecar that does not hold the application is the last container to be started:
// until it is, the application runs and reaches nobody. A container between the two keeps the
// kubelet from going on to the sidecar until the test has seen that.
func TestApplicationStartsBeforeAClassicSidecar(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	peer := s.peer(t)
	g := newGate(t)
	s.apply(t, `
apiVersion: v1
kind: Pod
metadata:
  name: classic
  annotations:
    sidecar.istio.io/nativeSidecar: "false"
    traffic.sidecar.istio.io/excludeInboundPorts: "8080"
    traffic.sidecar.istio.io/excludeOutboundIPRanges: `+g.host+`/32
spec:
  containers:
  - {name: app, image: APP, args: [serve]}
  - name: between
    image: APP
    args: [serve, --http=8081]
    lifecycle: {postStart: {exec: {command: [app, get, --timeout=5m, "`+g.url+`"]}}}
`)
	pod := s.await(t, "classic", func(pod *corev1.Pod) error {
		if pod.Status.PodIP == "" {
			return fmt.Errorf("no address")
		}
		return nil
	})
	eventually(t, func() error {
		_, err := send(within(t), http.MethodGet, at(pod, 8080, "/readyz"))
		return err
	})
	answer, err := send(within(t), http.MethodGet, at(pod, 8080, "/fetch?url="+url.QueryEscape("http://"+peer+":8080/")))
	if err == nil || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("without a sidecar: %q, %v, want the connection to be refused", answer, err)
	}
	g.open()
	pod = s.ready(t, "classic")
	fetch(t, pod, "http://"+peer+":8080/")
	wantConnections(t, pod, map[string]int{"outbound 8080": 1})
}

// A gate is a URL of this machine's that answers once it is opened.
type gate struct {
	host, url string
	open      func()
}

func newGate(t *testing.T) gate {
	t.Helper()
	api, err := url.Parse(real(t).Config().Host)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(api.Hostname(), "0"))
	if err != nil {
		t.Fatal(err)
	}
	opened := make(chan struct{})
	open := sync.OnceFunc(func() { close(opened) })
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-opened:
		case <-r.Context().Done():
		}
	})}
	go server.Serve(listener)
	t.Cleanup(func() {
		open()
		server.Close()
	})
	return gate{host: api.Hostname(), url: "http://" + listener.Addr().String() + "/", open: open}
}

// ended returns a pod once one of its containers has ended, which must be with this status.
func (s space) ended(t *testing.T, name, container string, code int32) *corev1.Pod {
	t.Helper()
	pod := s.await(t, name, func(pod *corev1.Pod) error {
		if status := status(pod, container); status == nil || status.State.Terminated == nil {
			return fmt.Errorf("%s: has not ended", container)
		}
		return nil
	})
	wantEnded(t, pod, container, code)
	return pod
}

// wantEnded wants a container to have ended with this status.
func wantEnded(t *testing.T, pod *corev1.Pod, container string, code int32) {
	t.Helper()
	state := status(pod, container).State.Terminated
	if state == nil || state.ExitCode != code {
		t.Errorf("%s: %v, want it to end with %d", container, state, code)
	}
}

// wantConnections wants these connections to have gone through the sidecar, and no others.
func wantConnections(t *testing.T, pod *corev1.Pod, want map[string]int) {
	t.Helper()
	if d := cmp.Diff(want, connections(t, pod)); d != "" {
		t.Errorf("%s: connections through the sidecar (-want +got):\n%s", pod.Name, d)
	}
}
