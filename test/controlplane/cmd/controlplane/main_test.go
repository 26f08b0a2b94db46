// Inside of package main, to run the command as a process of its own.
package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"outrigger.dev/outrigger/test/controlplane/background"
	"outrigger.dev/outrigger/test/controlplane/binaries"
)

// commandVariable makes this test's program be the command.
const commandVariable = "CONTROLPLANE_TEST_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(commandVariable) != "" {
		main()
	}
	os.Exit(m.Run())
}

func TestWrongCommandLines(t *testing.T) {
	for _, args := range [][]string{nil, {"sideways"}, {"up", "down"}} {
		var stdout, stderr bytes.Buffer
		if got := run(args, &stdout, &stderr); got != 64 || stdout.Len() > 0 || stderr.String() != usage {
			t.Errorf("%q: exit status %d, output %q, errors %q, want 64 and the usage", args, got, &stdout, &stderr)
		}
	}
}

// TestDemo is a session: what a person would type, the surprises included.
func TestDemo(t *testing.T) {
	t.Parallel()
	cache := cacheOfItsOwn(t)
	kubeconfig := filepath.Join(cache, "demo", "kubeconfig")
	t.Cleanup(func() { _, _ = command(cache, "down") })

	expect(t, cache, "status", 1, "controlplane: the control plane is not up")
	expect(t, cache, "down", 0, "the control plane is not up")
	expect(t, cache, "up", 0, "the control plane is up\n\n    export KUBECONFIG="+regexp.QuoteMeta(kubeconfig))
	expect(t, cache, "up", 0, "the control plane is already up")
	expect(t, cache, "status", 0, "the control plane is up")

	// It crashes. Nothing says so afterwards, and it comes up again.
	process, _, err := background.Look(filepath.Join(cache, "demo"))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(process, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	waitForEnd(t, process)
	expect(t, cache, "status", 1, "controlplane: the control plane is not up")
	expect(t, cache, "up", 0, "the control plane is up")
	expect(t, cache, "down", 0, "the control plane is down")

	out, _ := exec.Command("ps", "-A", "-o", "args=").Output()
	if strings.Contains(string(out), cache) {
		t.Errorf("processes are left:\n%s", out)
	}
	if _, err := os.Stat(kubeconfig); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("kubeconfig after down: %v, want it gone", err)
	}
}

// TestAPartThatEndsTakesTheRestAlong keeps status from calling up what is not whole.
func TestAPartThatEndsTakesTheRestAlong(t *testing.T) {
	t.Parallel()
	cache := cacheOfItsOwn(t)
	t.Cleanup(func() { _, _ = command(cache, "down") })
	expect(t, cache, "up", 0, "the control plane is up")
	process, _, err := background.Look(filepath.Join(cache, "demo"))
	if err != nil {
		t.Fatal(err)
	}
	if err := exec.Command("pkill", "-KILL", "-P", strconv.Itoa(process), "kube-scheduler").Run(); err != nil {
		t.Skip("needs pkill:", err)
	}
	waitForEnd(t, process)
	expect(t, cache, "status", 1, "controlplane: the control plane is not up")
}

// cacheOfItsOwn makes a cache that has the programs of the real one.
func cacheOfItsOwn(t *testing.T) string {
	t.Helper()
	if _, err := binaries.Build(t.Context(), os.Stderr); err != nil {
		t.Fatal(err)
	}
	real, err := binaries.Cache()
	if err != nil {
		t.Fatal(err)
	}
	cache := t.TempDir()
	if err := os.Symlink(filepath.Join(real, "controlplane"), filepath.Join(cache, "controlplane")); err != nil {
		t.Fatal(err)
	}
	return cache
}

// command runs the command with a cache.
func command(cache, verb string) (output string, status int) {
	cmd := exec.Command(os.Args[0], verb)
	cmd.Env = append(os.Environ(), commandVariable+"=1", "OUTRIGGER_CACHE="+cache)
	out, _ := cmd.CombinedOutput()
	return string(out), cmd.ProcessState.ExitCode()
}

// expect runs the command and holds its exit status and output against what is wanted.
func expect(t *testing.T, cache, verb string, status int, output string) {
	t.Helper()
	got, gotStatus := command(cache, verb)
	if gotStatus != status || !regexp.MustCompile(output).MatchString(got) {
		t.Fatalf("controlplane %s: exit status %d, want %d; output does not match %q:\n%s",
			verb, gotStatus, status, output, got)
	}
}

// waitForEnd waits until a process has gone.
func waitForEnd(t *testing.T, process int) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); syscall.Kill(process, 0) == nil; {
		if time.Now().After(deadline) {
			t.Fatalf("process %d: still there", process)
		}
		time.Sleep(20 * time.Millisecond)
	}
}
