package controlplane_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"outrigger.dev/outrigger/test/controlplane"
)

// parentVariable makes this test's program start a control plane and wait to be killed.
const parentVariable = "CONTROLPLANE_TEST_PARENT"

// parent starts a control plane, prints its folder and waits forever.
func parent() {
	c, err := controlplane.Start(context.Background(), controlplane.Options{Nodes: 1})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(filepath.Dir(c.Kubeconfig()))
	select {}
}

func TestStopLeavesNothing(t *testing.T) {
	t.Parallel()
	begin := time.Now()
	c, err := controlplane.Start(t.Context(), controlplane.Options{Nodes: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("another control plane up in %.1f s", time.Since(begin).Seconds())
	dir := filepath.Dir(c.Kubeconfig())
	if got := processes(t, dir); len(got) < 6 {
		t.Errorf("processes: %q, want five and the watchdog", got)
	}
	begin = time.Now()
	if err := c.Stop(); err != nil {
		t.Error(err)
	}
	t.Logf("down in %.1f s", time.Since(begin).Seconds())
	if got := processes(t, dir); len(got) != 0 {
		t.Errorf("processes after stop: %q, want none", got)
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("folder after stop: %v, want it gone", err)
	}
	if err := c.Stop(); err != nil {
		t.Errorf("stopped twice: %v", err)
	}
}

func TestNothingOutlivesAKilledParent(t *testing.T) {
	t.Parallel()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), parentVariable+"=1")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	dir := strings.TrimSpace(line)
	if got := processes(t, dir); len(got) < 6 {
		t.Errorf("processes: %q, want five and the watchdog", got)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed, and says so
	eventually(t, func() error {
		if got := processes(t, dir); len(got) != 0 {
			return fmt.Errorf("processes after the parent's end: %q, want none", got)
		}
		if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("folder after the parent's end: %v, want it gone", err)
		}
		return nil
	})
}

func TestStartThatFailsSaysWhyAndLeavesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, err := controlplane.Start(t.Context(), controlplane.Options{
		Dir: dir, APIServerArgs: []string{"--no-such-flag"},
	})
	if err == nil || !regexp.MustCompile(`(?s)kube-apiserver ended.*no-such-flag`).MatchString(err.Error()) {
		t.Errorf("error: %v, want it to name the program and the flag", err)
	}
	if got := processes(t, dir); len(got) != 0 {
		t.Errorf("processes: %q, want none", got)
	}
	if left, _ := os.ReadDir(dir); !slices.Equal(names(left), []string{"logs"}) {
		t.Errorf("folder: %q, want the logs alone", names(left))
	}
}

// processes lists those that work in dir or name it in their arguments: all of a control
// plane, the watchdog included.
func processes(t *testing.T, dir string) []string {
	t.Helper()
	out, err := exec.Command("ps", "-A", "-o", "pid=", "-o", "args=").Output()
	if err != nil {
		t.Skip("needs ps:", err)
	}
	var found []string
	for _, line := range strings.Split(string(out), "\n") {
		pid, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		folder, _ := os.Readlink("/proc/" + pid + "/cwd")
		if strings.Contains(line, dir) || strings.HasPrefix(folder, dir) {
			found = append(found, strings.TrimSpace(line))
		}
	}
	return found
}

func names(entries []os.DirEntry) []string {
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}
