package chart_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	mathrand "math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/rand"

	"outrigger.dev/outrigger/test/e2e/injector"
)

// cli prepares the command line as a person would type it.
func cli(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, helms["Helm 4"].CLI, args...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+cluster.Kubeconfig())
	return cmd
}

// outrigger runs the command line, which has to succeed, and gives all it says.
func outrigger(t *testing.T, args ...string) string {
	t.Helper()
	out, err := cli(within(t), args...).CombinedOutput()
	if err != nil {
		t.Fatalf("outrigger %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// With -kills install and uninstall are killed at so many points more, which -seed chooses.
var (
	kills = flag.Int("kills", 0, "`number` of seeded points at which install and uninstall are killed, beside two of each")
	seed  = flag.Uint64("seed", 1, "`number` that the points are chosen by")
)

// A point is where a run is killed: when it prints a line with a text, or so many lines of
// what it does.
type point struct {
	text string
	line int
}

func (p point) String() string {
	if p.text != "" {
		return p.text
	}
	return fmt.Sprintf("line %d", p.line)
}

// isDone says whether a line is there whenever something is done: what is waited for, and
// what there is to note, depends on how fast the machine is.
func isDone(line string) bool {
	return !strings.HasPrefix(line, "  waiting") && !strings.HasPrefix(line, "  ready") && !strings.HasPrefix(line, "note:")
}

// seeded are points before the last of the lines that a run has said.
func seeded(said string) (points []point) {
	lines := 0
	for line := range strings.Lines(said) {
		if isDone(line) {
			lines++
		}
	}
	random := mathrand.New(mathrand.NewPCG(*seed, 0))
	for range *kills {
		points = append(points, point{line: 1 + random.IntN(lines-1)})
	}
	return points
}

// said runs the command line, which has to succeed, and gives what it says on standard error.
func said(t *testing.T, args ...string) string {
	t.Helper()
	var said strings.Builder
	cmd := cli(within(t), args...)
	cmd.Stderr = &said
	if err := cmd.Run(); err != nil {
		t.Fatalf("outrigger %s: %v\n%s", strings.Join(args, " "), err, said.String())
	}
	return said.String()
}

// killed runs the command line and kills it at a point of what it says.
// It has to come there, and not to its end: one that does was not interrupted.
func killed(t *testing.T, at point, args ...string) {
	t.Helper()
	cmd := cli(within(t), args...)
	said, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var all bytes.Buffer
	done := 0
	for lines := bufio.NewScanner(said); lines.Scan(); {
		all.WriteString(lines.Text() + "\n")
		if isDone(lines.Text()) {
			done++
		}
		if done == at.line && at.line > 0 || at.text != "" && strings.Contains(lines.Text(), at.text) {
			_ = cmd.Process.Kill() // it may be faster
		}
	}
	if cmd.Wait(); cmd.ProcessState.Exited() {
		t.Fatalf("outrigger %s was not killed at %s:\n%s", strings.Join(args, " "), at, all.String())
	}
}

// Killed anywhere and run again, install comes to the same end.
func TestInstallIsKilledAndRunAgain(t *testing.T) {
	for _, at := range []string{"applying the objects", "its CA bundle"} {
		t.Run(at, func(t *testing.T) {
			values, start := beside(t)
			t.Cleanup(func() { purge(t) })
			killed(t, point{text: at}, "install", "-f", values, "-y")
			// Until it is run again nothing is refused by an injector that is not there.
			wantInjected(t, false)
			start()
			wantInstalledAgain(t, values)
		})
	}
	if *kills == 0 {
		return
	}
	values, start := beside(t)
	start()
	points := seeded(said(t, "install", "-f", values, "-y"))
	purge(t)
	for n, at := range points {
		t.Run(fmt.Sprintf("%d at %s", n, at), func(t *testing.T) {
			values, start := beside(t)
			start()
			t.Cleanup(func() { purge(t) })
			killed(t, at, "install", "-f", values, "-y")
			kubectl(t, "run", "app", "--image=app", "--namespace", enabledNamespace(t)) // which is not refused
			wantInstalledAgain(t, values)
		})
	}
}

// wantInstalledAgain installs once more, and wants nothing to be missing.
func wantInstalledAgain(t *testing.T, values string) {
	t.Helper()
	outrigger(t, "install", "-f", values, "-y")
	wantInjected(t, true)
	outrigger(t, "manifest", "diff", "-f", values) // fails where something differs
	list := helm(t, helms["Helm 4"], "list", "--namespace", injector.Namespace)
	if !strings.Contains(list, "deployed") {
		t.Errorf("Helm does not say that it is deployed:\n%s", list)
	}
}

// purge takes everything away.
func purge(t *testing.T) {
	t.Helper()
	outrigger(t, "uninstall", "--purge", "-y")
	wantNothingLeft(t)
}

// And so does uninstall.
func TestUninstallIsKilledAndRunAgain(t *testing.T) {
	uninstalled := func(t *testing.T, at point, injects bool) {
		t.Helper()
		values, start := beside(t)
		start()
		outrigger(t, "install", "-f", values, "-y")
		wantInjected(t, true)
		killed(t, at, "uninstall", "-y")
		if injects {
			kubectl(t, "run", "app", "--image=app", "--namespace", enabledNamespace(t)) // which is not refused
		} else {
			wantInjected(t, false)
		}
		outrigger(t, "uninstall", "-y")
		wantNothingLeft(t)
		wantInjected(t, false)
	}
	for _, at := range []string{"deleted MutatingWebhookConfiguration", "deleted release"} {
		t.Run(at, func(t *testing.T) { uninstalled(t, point{text: at}, false) })
	}
	if *kills == 0 {
		return
	}
	values, start := beside(t)
	start()
	outrigger(t, "install", "-f", values, "-y")
	for n, at := range seeded(said(t, "uninstall", "-y")) {
		t.Run(fmt.Sprintf("%d at %s", n, at), func(t *testing.T) { uninstalled(t, at, true) })
	}
}

// wantInjected creates a pod in a namespace of its own that is enabled, and wants it to
// have a sidecar, or not.
func wantInjected(t *testing.T, want bool) {
	t.Helper()
	namespace := enabledNamespace(t)
	kubectl(t, "run", "app", "--image=app", "--namespace", namespace)
	if got := sidecars(t, namespace); got != map[bool]int{true: 1}[want] {
		t.Errorf("%d pods are injected, want %t", got, want)
	}
}

// enabledNamespace is a new one, which goes with the test.
func enabledNamespace(t *testing.T) string {
	t.Helper()
	name := "lifecycle-" + rand.String(6)
	kubectl(t, "create", "namespace", name)
	kubectl(t, "label", "namespace", name, "istio-injection=enabled")
	t.Cleanup(func() { kubectl(t, "delete", "namespace", name, "--wait=false") })
	awaitAccount(t, name)
	return name
}

// awaitAccount waits until there may be pods in a namespace.
func awaitAccount(t *testing.T, namespace string) {
	t.Helper()
	kubectl(t, "wait", "serviceaccount", "default", "--for=create", "--timeout=90s", "--namespace", namespace)
}

// sidecars is how many pods in a namespace have one.
func sidecars(t *testing.T, namespace string) (n int) {
	t.Helper()
	var pods corev1.PodList
	if err := json.Unmarshal([]byte(kubectl(t, "get", "pods", "--namespace", namespace, "-o", "json")), &pods); err != nil {
		t.Fatal(err)
	}
	for _, pod := range pods.Items {
		for _, c := range pod.Spec.InitContainers {
			if c.Name == "istio-proxy" {
				n++
			}
		}
	}
	return n
}

// While it is upgraded, back and forth, every pod that is created is injected.
func TestUpgradeUnderLoad(t *testing.T) {
	values, start := beside(t)
	start()
	outrigger(t, "install", "-f", values, "-y")
	t.Cleanup(func() {
		outrigger(t, "uninstall", "--purge", "-y")
		wantNothingLeft(t)
	})
	namespace := enabledNamespace(t)
	stop, created := make(chan struct{}), make(chan int)
	go func() {
		n := 0
		defer func() { created <- n }()
		for {
			select {
			case <-stop:
				return
			default:
			}
			if _, err := cluster.Kubectl(context.Background(), "run", fmt.Sprintf("app-%d", n), "--image=app", "--namespace", namespace); err != nil {
				t.Errorf("pod %d: %v", n, err)
				return
			}
			n++
		}
	}()
	outrigger(t, "install", "-f", values, "--set", "logLevel=debug", "--set", "webhook.exclude.critical=true", "-y")
	outrigger(t, "install", "-f", values, "-y")
	close(stop)
	n := <-created
	if got := sidecars(t, namespace); n == 0 || got != n {
		t.Errorf("%d of %d pods are injected", got, n)
	}
}
