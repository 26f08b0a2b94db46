package chart_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"outrigger.dev/outrigger/test/e2e/injector"
)

// beside is a server for an installation that the test is going to make, with the values
// that lead to it in a file: native sidecars among them, where nodes are too old to have
// them unasked. It starts as soon as the installation has made its account,
// and ends with the test.
func beside(t *testing.T, args ...string) (values string, start func()) {
	t.Helper()
	return besideOf(t, "", args...)
}

// besideOf is one of a revision.
func besideOf(t *testing.T, revision string, args ...string) (values string, start func()) {
	t.Helper()
	i, err := injector.Beside(cluster, helms["Helm 4"], injector.Options{Revision: revision, Logs: t.TempDir(), Args: args})
	if err != nil {
		t.Fatal(err)
	}
	// A machine that builds something else meanwhile may stand still for longer than a
	// cluster should wait.
	text := fmt.Sprintf("revision: %q\nwebhook: {url: '%s', timeoutSeconds: 30}\n", revision, i.URL())
	unasked, err := injector.NativeUnasked(cluster)
	if err != nil {
		t.Fatal(err)
	}
	if !unasked {
		text += "pilot: {env: {ENABLE_NATIVE_SIDECARS: 'true'}}\n"
	}
	values = filepath.Join(t.TempDir(), "values.yaml")
	write(t, values, text)
	joined := make(chan error, 1)
	ctx, cancel := context.WithCancel(context.Background())
	started := false
	t.Cleanup(func() {
		cancel()
		if !started {
			return
		}
		if err := <-joined; err != nil {
			t.Errorf("the server: %v", err)
			return
		}
		if t.Failed() {
			t.Log(i.LogTail())
		}
		_ = i.Kill()
	})
	return values, func() {
		started = true
		go func() { joined <- i.Join(ctx) }()
	}
}

// Sessions of the command line, with what it prints. UPDATE_SCRIPTS=1 writes that into them.
func TestSessions(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d sessions, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) { session(t, file) })
	}
}

func session(t *testing.T, file string) {
	t.Helper()
	var more []string
	if filepath.Base(file) == "tags.txtar" { // as its Deployment would be told, were there one
		more = []string{"--webhook-configuration=outrigger-injector", "--webhook-configuration=outrigger-tag-prod"}
	}
	values, start := beside(t, more...)
	tools := helms["Helm 4"]
	testscript.Run(t, testscript.Params{
		Files:               []string{file},
		RequireExplicitExec: true,
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") != "",
		Setup: func(env *testscript.Env) error {
			server, err := cluster.Client().Discovery().ServerVersion()
			if err != nil {
				return err
			}
			env.Setenv("KUBERNETES", server.GitVersion)
			env.Setenv("KUBECONFIG", cluster.Kubeconfig())
			env.Setenv("KUBERC", "off")
			env.Setenv("CHART", filepath.Join(tools.Root, "charts", "outrigger"))
			env.Setenv("HOME", env.WorkDir)
			path := []string{filepath.Dir(tools.CLI), filepath.Dir(cluster.KubectlPath()), env.Getenv("PATH")}
			env.Setenv("PATH", strings.Join(path, string(os.PathListSeparator)))
			text, err := os.ReadFile(values)
			if err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(env.WorkDir, "values.yaml"), text, 0o600)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			// serve starts the server as soon as it has an account.
			"serve": func(*testscript.TestScript, bool, []string) { start() },
			// until-account waits until there may be pods in a namespace.
			"until-account": func(ts *testscript.TestScript, _ bool, args []string) { awaitAccount(t, args[0]) },
			// until-asked waits until a new pod of a namespace is injected, or is not.
			"until-asked": func(ts *testscript.TestScript, _ bool, args []string) { awaitAsked(t, args[0], args[1] == "true") },
			// until runs a command until it prints what is in a file.
			"until": func(ts *testscript.TestScript, _ bool, args []string) { runUntil(ts, args[0], args[1], args[2:]...) },
			// changes prints what the command line has changed in a namespace, and what came of it.
			"changes": func(ts *testscript.TestScript, _ bool, args []string) {
				changes, err := changesIn(args[0])
				ts.Check(err)
				fmt.Fprint(ts.Stdout(), changes)
			},
			// nothing-left wants nothing in the cluster to be labelled as ours.
			"nothing-left": func(*testscript.TestScript, bool, []string) { wantNothingLeft(t) },
		},
	})
}

// write writes a file.
func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// awaitAsked waits until the API server has heard of what was changed, so that a new pod
// of a namespace would have a sidecar, or would not.
func awaitAsked(t *testing.T, namespace string, want bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "asked", Namespace: namespace},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: "example.com/app:1"}}},
	}
	for {
		made, err := cluster.Client().CoreV1().Pods(namespace).Create(ctx, pod, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		if err != nil {
			t.Fatal(err)
		}
		if (made.Annotations["sidecar.istio.io/status"] != "") == want {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("a new pod of namespace %s is injected: %t, want %t", namespace, !want, want)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// runUntil runs a command until it prints what is in a file.
func runUntil(ts *testscript.TestScript, file, command string, args ...string) {
	want, until := ts.ReadFile(file), time.Now().Add(limit)
	for {
		ts.Check(ts.Exec(command, args...))
		got := ts.ReadFile("stdout")
		switch {
		case got == want:
			return
		case time.Now().After(until):
			ts.Fatalf("%s printed for %s:\n%s", command, limit, got)
		}
		time.Sleep(200 * time.Millisecond)
	}
}
