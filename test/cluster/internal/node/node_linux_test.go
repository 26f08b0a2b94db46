package node_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"outrigger.dev/outrigger/test/cluster/internal/node"
)

func TestMain(m *testing.M) {
	node.Enter()
	os.Exit(m.Run())
}

// start starts a node that sleeps, in a folder and a cgroup of its own.
func start(t *testing.T) (*node.Node, node.Options) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("this is not root, who alone may make namespaces")
	}
	parent := t.TempDir()
	options := node.Options{
		Dir: filepath.Join(parent, "state"), Logs: filepath.Join(parent, "logs"), Doomed: filepath.Join(parent, "doomed"),
		Cgroup: "/outrigger-" + filepath.Base(parent), Name: "testnode",
	}
	for _, dir := range []string{options.Dir, options.Logs, options.Doomed} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	var err error
	if options.Lock, err = os.Open(parent); err != nil {
		t.Fatal(err)
	}
	defer options.Lock.Close()
	n, err := node.Start(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.Stop() })
	// One that stays, one that leaves a child behind, and that in a cgroup, as containers do.
	script := `hostname; hierarchy=$(grep -m1 ' - cgroup' /proc/self/mountinfo | cut -d' ' -f5)
		mkdir $hierarchy` + options.Cgroup + `/pods
		(echo 0 > $hierarchy` + options.Cgroup + `/pods/cgroup.procs; exec sleep 1000) &
		mkdir /var/lib/mounted && mount -t tmpfs none /var/lib/mounted && touch /var/lib/mounted/file /run/file
		echo ready; exec sleep 1000`
	if err := n.Run("sleeper", "sh", "-c", script); err != nil {
		t.Fatal(err)
	}
	await(t, "the program's log", func() bool { return strings.Contains(read(options, "sleeper"), "ready") })
	return n, options
}

func TestNodeHasFilesProcessesAndAHostNameOfItsOwn(t *testing.T) {
	n, options := start(t)
	if got := read(options, "sleeper"); !strings.HasPrefix(got, "testnode\n") {
		t.Errorf("host name: %q, want testnode", got)
	}
	out, err := n.Command(context.Background(), "ls", "/var/lib", "/run").CombinedOutput()
	// mount keeps a folder of its own in /run.
	if got := strings.Fields(string(out)); err != nil || strings.Join(got, " ") != "/run: file logs mount /var/lib: mounted" {
		t.Errorf("files in the node: %q, %v", got, err)
	}
	if _, err := os.Stat("/run/file"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that the node has made in /run is the machine's: %v", err)
	}
	if text, _ := os.ReadFile("/proc/mounts"); strings.Contains(string(text), "/var/lib/mounted") {
		t.Error("a mount of the node is the machine's")
	}
}

func TestNodeThatIsStoppedIsGone(t *testing.T) {
	n, options := start(t)
	if err := n.Stop(); err != nil {
		t.Error(err)
	}
	wantGone(t, options)
	if err := n.Stop(); err != nil {
		t.Errorf("stopped twice: %v", err)
	}
}

func TestProgramIsRestarted(t *testing.T) {
	n, options := start(t)
	if err := n.Restart("sleeper"); err != nil {
		t.Fatal(err)
	}
	await(t, "a second start", func() bool { return strings.Count(read(options, "sleeper"), "testnode") == 2 })
	if err := n.Restart("nobody"); err == nil || err.Error() != "nobody: does not run" {
		t.Errorf("error: %v, want it to name the program", err)
	}
	if err := n.Run("nothing", "/no/such/program"); err == nil || !strings.HasPrefix(err.Error(), "nothing: ") {
		t.Errorf("error: %v, want it to name the program", err)
	}
}

func TestProgramThatEndsTakesTheNodeAlong(t *testing.T) {
	n, options := start(t)
	if err := n.Run("short", "sh", "-c", "exit 3"); err != nil {
		t.Fatal(err)
	}
	select {
	case <-n.Ended():
	case <-time.After(30 * time.Second):
		t.Fatal("the node runs on")
	}
	if got := n.Why(); !strings.HasPrefix(got, "short ended: exit status 3, see ") {
		t.Errorf("why: %q", got)
	}
	wantGone(t, options)
}

// A keeper that is killed cannot clean up. The kernel does the most of it, and the next node
// the rest.
func TestNodeWhoseKeeperIsKilledIsGoneWithTheNext(t *testing.T) {
	n, options := start(t)
	sleepers := processes(t, options)
	if len(sleepers) == 0 {
		t.Fatal("no process is in the node's cgroup")
	}
	if err := syscall.Kill(n.PID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-n.Ended()
	await(t, "the processes' end", func() bool { return len(processes(t, options)) == 0 })
	lock, err := os.Open(filepath.Dir(options.Dir))
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	options.Lock = lock
	next, err := node.Start(options)
	if err != nil {
		t.Fatal(err)
	}
	if err := next.Stop(); err != nil {
		t.Error(err)
	}
	wantGone(t, options)
}

// wantGone wants nothing to be left of a node but its logs.
func wantGone(t *testing.T, options node.Options) {
	t.Helper()
	for _, dir := range []string{options.Dir, options.Doomed} {
		if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("folder %s: %v, want it gone", dir, err)
		}
	}
	hierarchies, err := node.Hierarchies()
	if err != nil {
		t.Fatal(err)
	}
	for _, root := range hierarchies {
		if _, err := os.Stat(root + options.Cgroup); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("cgroup %s: %v, want it gone", root+options.Cgroup, err)
		}
	}
	out, err := exec.Command("ps", "-A", "-o", "args=").Output()
	if err != nil {
		t.Skip("needs ps:", err)
	}
	if strings.Contains(string(out), options.Cgroup) {
		t.Errorf("processes are left:\n%s", out)
	}
}

// processes lists those in the node's cgroup.
func processes(t *testing.T, options node.Options) []string {
	t.Helper()
	hierarchies, err := node.Hierarchies()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(hierarchies[0] + options.Cgroup + "/pods/cgroup.procs")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(text))
}

func read(options node.Options, name string) string {
	text, _ := os.ReadFile(filepath.Join(options.Logs, name+".log"))
	return string(text)
}

// await looks again and again, for half a minute.
func await(t *testing.T, what string, there func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !there(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not there", what)
		}
	}
}
