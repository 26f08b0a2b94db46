package e2ereal_test

import (
	"bufio"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// A pod is deleted while its application answers one request and waits for the answer to
// another: both are finished.
func TestDeletedPodFinishesItsRequests(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	peer := s.peer(t)
	t.Run("native", func(t *testing.T) {
		t.Parallel()
		app, proxy := s.deletedWhileAsked(t, "native", `{}`, peer)
		gone, told := writes(t, app, "msg=ended"), writes(t, proxy, `msg="told to stop"`)
		if told.Before(gone) {
			t.Errorf("sidecar told to stop at %s, want it after the application, which ended at %s", told, gone)
		}
	})
	// Both are told to stop at once, and the sidecar stays as long as it is told to.
	t.Run("classic", func(t *testing.T) {
		t.Parallel()
		s.deletedWhileAsked(t, "classic", `{sidecar.istio.io/nativeSidecar: "false",
      proxy.istio.io/config: '{"proxyMetadata": {"EXIT_ON_ZERO_ACTIVE_CONNECTIONS": "true"}}'}`, peer)
	})
}

// deletedWhileAsked runs a pod with these annotations, deletes it while requests are on their
// way in both directions, wants whole answers, and returns what its containers wrote.
func (s space) deletedWhileAsked(t *testing.T, name, annotations, peer string) (app, proxy []string) {
	t.Helper()
	s.apply(t, `
apiVersion: v1
kind: Pod
metadata: {name: `+name+`, annotations: `+annotations+`}
spec:
  terminationGracePeriodSeconds: 120
  containers:
  - name: app
    image: APP
    args: [serve]
    readinessProbe: {httpGet: {path: /readyz, port: 8080}, periodSeconds: 1}
`)
	pod := s.ready(t, name)
	appWrites, proxyWrites := s.follow(t, name, "app"), s.follow(t, name, "istio-proxy")
	inbound := start(t, at(pod, 8080, "/slow?for=10s"))
	outbound := start(t, at(pod, 8080, "/fetch?url="+url.QueryEscape("http://"+peer+":8080/slow?for=10s")))
	eventually(t, func() error {
		if got := connections(t, pod); got["inbound 8080"] != 2 || got["outbound 8080"] != 1 {
			return fmt.Errorf("connections %v, want both requests to be on their way", got)
		}
		return nil
	})
	if err := real(t).Client().CoreV1().Pods(s.name).Delete(within(t), name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	deleted := time.Now()
	for what, answers := range map[string]<-chan answer{"inbound": inbound, "outbound": outbound} {
		switch a := <-answers; {
		case a.err != nil || a.body != "after 10s\n":
			t.Errorf("%s: %q, %v, want the whole answer", what, a.body, a.err)
		case a.ended.Before(deleted):
			t.Errorf("%s: ended before the pod was deleted, which proves nothing", what)
		}
	}
	app, proxy = <-appWrites, <-proxyWrites
	writes(t, proxy, "broken=0")
	if t.Failed() {
		t.Logf("%s:\n%s\n%s", name, strings.Join(app, "\n"), strings.Join(proxy, "\n"))
	}
	return app, proxy
}

// answer is how a request ended.
type answer struct {
	body  string
	err   error
	ended time.Time
}

// start sends a request that takes its time.
func start(t *testing.T, url string) <-chan answer {
	ended := make(chan answer, 1)
	ctx := within(t)
	go func() {
		body, err := send(ctx, http.MethodGet, url)
		ended <- answer{body, err, time.Now()}
	}()
	return ended
}

// follow returns all that a container will have written when it has ended, each line after
// its time.
func (s space) follow(t *testing.T, pod, container string) <-chan []string {
	t.Helper()
	stream, err := real(t).Client().CoreV1().Pods(s.name).GetLogs(pod, &corev1.PodLogOptions{
		Container: container, Follow: true, Timestamps: true,
	}).Stream(within(t))
	if err != nil {
		t.Fatal(err)
	}
	written := make(chan []string, 1)
	go func() {
		defer stream.Close()
		var lines []string
		for scanner := bufio.NewScanner(stream); scanner.Scan(); {
			lines = append(lines, scanner.Text())
		}
		written <- lines
	}()
	return written
}

// writes returns when a container wrote a line with this text, which it must have.
func writes(t *testing.T, lines []string, text string) time.Time {
	t.Helper()
	for _, line := range lines {
		stamp, rest, _ := strings.Cut(line, " ")
		if !strings.Contains(rest, text) {
			continue
		}
		at, err := time.Parse(time.RFC3339Nano, stamp)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	t.Fatalf("no line says %s:\n%s", text, strings.Join(lines, "\n"))
	return time.Time{}
}
