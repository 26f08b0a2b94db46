package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/streaming/pkg/httpstream"
	"k8s.io/streaming/pkg/httpstream/spdy"
)

// page is what the played replica serves.
const page = "<title>the page</title>"

// An apiServer is played: it has pods, and forwards to one address whatever port it is
// asked for, as the API server before Kubernetes 1.31 does. The real one is asked in a
// cluster with a real node.
type apiServer struct {
	pods    []corev1.Pod
	forward string
	// forbids says that nobody may.
	forbids bool
}

func (s apiServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case strings.HasSuffix(r.URL.Path, "/pods"):
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(corev1.PodList{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "PodList"}, Items: s.pods})
	case s.forbids:
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusForbidden)
		_ = json.NewEncoder(w).Encode(metav1.Status{
			TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}, Status: metav1.StatusFailure, Code: http.StatusForbidden,
			Reason: metav1.StatusReasonForbidden, Message: `pods "ready" is forbidden: User "jane" cannot create resource "pods/portforward"`,
		})
	case r.Header.Get("Upgrade") == "websocket":
		http.Error(w, "no WebSockets here", http.StatusBadRequest)
	default:
		s.upgrade(w, r)
	}
}

// upgrade leads each pair of streams to the address.
func (s apiServer) upgrade(w http.ResponseWriter, r *http.Request) {
	if _, err := httpstream.Handshake(r, w, []string{"portforward.k8s.io"}); err != nil {
		return
	}
	var mu sync.Mutex
	errs := map[string]httpstream.Stream{}
	connection := spdy.NewResponseUpgrader().UpgradeResponse(w, r, func(stream httpstream.Stream, _ <-chan struct{}) error {
		id := stream.Headers().Get(corev1.PortForwardRequestIDHeader)
		mu.Lock()
		defer mu.Unlock()
		if stream.Headers().Get(corev1.StreamType) == corev1.StreamTypeError {
			errs[id] = stream
			return nil
		}
		go s.pipe(stream, errs[id])
		return nil
	})
	if connection == nil {
		return
	}
	defer connection.Close()
	<-connection.CloseChan()
}

func (s apiServer) pipe(data, errs httpstream.Stream) {
	defer errs.Close()
	defer data.Close()
	to, err := net.Dial("tcp", s.forward)
	if err != nil {
		fmt.Fprint(errs, err)
		return
	}
	defer to.Close()
	go func() { _, _ = io.Copy(to, data) }()
	_, _ = io.Copy(data, to)
}

// kubeconfigFor leads to an API server.
func kubeconfigFor(t *testing.T, url string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "kubeconfig")
	text := fmt.Sprintf(`{"apiVersion": "v1", "kind": "Config", "current-context": "c", "clusters": [{"name": "c", "cluster": {"server": %q}}],
"contexts": [{"name": "c", "context": {"cluster": "c", "user": ""}}]}`, url)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// replica is a pod of the server's, with its flags.
func replica(name string, phase corev1.PodPhase, ready bool, args ...string) corev1.Pod {
	pod := corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "outrigger-system"},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "injector", Args: args}}},
		Status:     corev1.PodStatus{Phase: phase},
	}
	if ready {
		pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
	}
	return pod
}

// The page of a replica that is ready comes through the API server to a port of this
// machine, where the browser that was opened asks for it, until it is interrupted.
func TestDashboardLeadsToThePage(t *testing.T) {
	served := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, page) }))
	t.Cleanup(served.Close)
	api := httptest.NewServer(apiServer{forward: served.Listener.Addr().String(), pods: []corev1.Pod{
		replica("starting", corev1.PodRunning, false), replica("ready", corev1.PodRunning, true, "--dry-run-address=127.0.0.1:8082"),
	}})
	t.Cleanup(api.Close)
	args := []string{"dashboard", "--kubeconfig", kubeconfigFor(t, api.URL)}
	opened := playBrowser(t)

	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	out, printed := io.Pipe()
	var said strings.Builder
	root := newRoot("outrigger")
	root.SetArgs(args)
	root.SetOut(printed)
	root.SetErr(&said)
	ended := make(chan error, 1)
	go func() {
		err := root.ExecuteContext(ctx)
		printed.Close()
		ended <- err
	}()
	url, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("%v\n%s", <-ended, said.String())
	}
	for range 3 { // one connection after the other
		if got := fetch(t, strings.TrimSpace(url)); got != page {
			t.Errorf("%s: %q, want %q", url, got, page)
		}
	}
	var given []byte
	for until := time.Now().Add(time.Minute); string(given) != url && time.Now().Before(until); time.Sleep(10 * time.Millisecond) {
		given, _ = os.ReadFile(opened) // it is not there yet
	}
	if string(given) != url {
		t.Errorf("the browser was given %q, want %q", given, url)
	}
	interrupt()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if want := "note: it is pod ready's, and open until Ctrl-C\n"; said.String() != want {
		t.Errorf("said %q, want %q", said.String(), want)
	}
	if _, err := http.Get(strings.TrimSpace(url)); err == nil {
		t.Error("the port is still open")
	}
}

// playBrowser has the programs that open a browser write what they are given into a
// file, which it names.
func playBrowser(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "given")
	for _, program := range []string{"xdg-open", "open"} {
		if err := os.WriteFile(filepath.Join(dir, program), []byte("#!/bin/sh\necho \"$1\" > "+file+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	return file
}

func fetch(t *testing.T, url string) string {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// An obstacle is what is in the way of the page, and what has to be said then.
type obstacle struct {
	server apiServer
	args   []string
	want   []string
}

// obstacles are all; gone is an address that nobody listens at, and taken a port that
// somebody has.
func obstacles(gone, taken string) map[string]obstacle {
	return map[string]obstacle{
		"there is no replica": {
			want: []string{`error: revision "default": no replica of it is in namespace "outrigger-system"`, "hint: --namespace and --revision name others"},
		},
		"none runs": {
			server: apiServer{pods: []corev1.Pod{replica("waiting", corev1.PodPending, false)}},
			want:   []string{`error: revision "default": no replica of it runs: pod "waiting" is Pending`, "hint: outrigger check says why"},
		},
		"the dry run is off": {
			server: apiServer{pods: []corev1.Pod{replica("ready", corev1.PodRunning, true, "--dry-run-address=")}},
			want:   []string{`error: pod "ready": the dry run is off`, "hint: outrigger install, or helm upgrade, with --set dryRun.enabled=true"},
		},
		"the dry run is exposed": {
			server: apiServer{pods: []corev1.Pod{replica("ready", corev1.PodRunning, true, "--dry-run-address=:8082")}},
			want:   []string{`error: pod "ready": the dry run is exposed, and wants a token`, "hint: outrigger explain"},
		},
		"the caller may not": {
			server: apiServer{pods: []corev1.Pod{replica("ready", corev1.PodRunning, true)}, forbids: true},
			want:   []string{`error: pods "ready" is forbidden: User "jane" cannot create resource "pods/portforward"`, "hint: kubectl -n outrigger-system create role"},
		},
		"nothing listens in the pod": {
			server: apiServer{pods: []corev1.Pod{replica("ready", corev1.PodRunning, true)}, forward: gone},
			want:   []string{`error: pod "ready": its dry run does not answer at port 8082: `, "hint: kubectl -n outrigger-system logs ready"},
		},
		"the port is another program's": {
			server: apiServer{pods: []corev1.Pod{replica("ready", corev1.PodRunning, true)}},
			args:   []string{"--port", taken},
			want:   []string{"address already in use"},
		},
		"the port is none": {
			args: []string{"--port", "70000"},
			want: []string{"error: --port 70000: want 0 to 65535"},
		},
	}
}

// What is in the way of the page is said in one line, with what to do about it.
func TestDashboardSaysWhatIsInItsWay(t *testing.T) {
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone.Close()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { taken.Close() })
	_, takenPort, _ := net.SplitHostPort(taken.Addr().String())
	for sentence, c := range obstacles(gone.Addr().String(), takenPort) {
		t.Run(sentence, func(t *testing.T) {
			api := httptest.NewServer(c.server)
			t.Cleanup(api.Close)
			var out, said strings.Builder
			args := append([]string{"outrigger", "dashboard", "--browser=false", "--kubeconfig", kubeconfigFor(t, api.URL)}, c.args...)
			if status := run(args, strings.NewReader(""), &out, &said); status == exitOK || out.String() != "" {
				t.Errorf("status %d, printed %q", status, out.String())
			}
			for _, want := range c.want {
				if !strings.Contains(said.String(), want) {
					t.Errorf("%q is not in what it said:\n%s", want, said.String())
				}
			}
		})
	}
}
