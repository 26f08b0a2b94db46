package chart_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"outrigger.dev/outrigger/test/e2e/injector"
)

// What docs/operating.md says to do about an authority whose key has leaked, command by
// command: nothing trusts it afterwards, and pods are injected. The server of this test is
// no Deployment, so scaling that is done by hand.
func TestRecipeForALeakedKey(t *testing.T) {
	tools := helms["Helm 4"]
	i, err := injector.Install(within(t), cluster, tools, injector.Options{Logs: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := i.Uninstall(within(t)); err != nil {
			t.Error(err)
		}
	})
	leaked := bundles(t, i.Name())[0]
	path := t.TempDir()
	for name, program := range map[string]string{"kubectl": cluster.KubectlPath(), "helm": tools.Helm} {
		if err := os.Symlink(program, filepath.Join(path, name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, command := range recipe(t, tools.Root, "because its key has leaked") {
		switch {
		case strings.HasSuffix(command, "scale deployment outrigger-injector --replicas=0"):
			err = i.Stop()
		case strings.HasSuffix(command, "scale deployment outrigger-injector --replicas=2"):
			err = i.Launch()
		default:
			run := exec.CommandContext(within(t), "sh", "-c", command)
			run.Dir = tools.Root
			run.Env = append(os.Environ(), "PATH="+path+":"+os.Getenv("PATH"), "KUBECONFIG="+cluster.Kubeconfig(), "KUBERC=off")
			var out []byte
			if out, err = run.CombinedOutput(); err != nil {
				err = fmt.Errorf("%w\n%s", err, out)
			}
		}
		if err != nil {
			t.Fatalf("%s: %v", command, err)
		}
	}
	if err := i.Await(within(t), func(r injector.Readiness) bool { return r.Ready }); err != nil {
		t.Fatal(err)
	}
	for n, bundle := range bundles(t, i.Name()) {
		if bundle == "" || bundle == leaked {
			t.Errorf("entry %d: the CA bundle is %q, want another one than before", n, bundle)
		}
	}
	wantFirstInjected(t, "leaked", "istio-injection=enabled")
}

// recipe is the block of commands after a phrase of docs/operating.md.
func recipe(t *testing.T, root, after string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "docs", "operating.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), after)
	if !found {
		t.Fatalf("docs/operating.md does not say %q", after)
	}
	var commands []string
	for line := range strings.Lines(rest) {
		command, indented := strings.CutPrefix(line, "    ")
		switch {
		case indented:
			commands = append(commands, strings.TrimSpace(command))
		case len(commands) > 0 && strings.TrimSpace(line) != "":
			return commands
		}
	}
	t.Fatalf("docs/operating.md has no commands after %q, or nothing after them", after)
	return nil
}

// wantFirstInjected wants the first pod of a new namespace with a label to be injected.
func wantFirstInjected(t *testing.T, namespace, label string) {
	t.Helper()
	kubectl(t, "create", "namespace", namespace)
	t.Cleanup(func() { kubectl(t, "delete", "namespace", namespace, "--wait=false") })
	kubectl(t, "label", "namespace", namespace, label)
	pod := kubectl(t, "run", "first", "--image=example.com/app:1", "--namespace", namespace, "--dry-run=server", "-o", "yaml")
	if !strings.Contains(pod, "outrigger.dev/injection") {
		t.Errorf("the first pod after that is not injected:\n%s", pod)
	}
}
