package standin_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"outrigger.dev/outrigger/test/standin/redirect"
)

// Users of processes in a pod: the application's, and the proxy's. Their groups
// have the same numbers.
const (
	appUser   = 1000
	proxyUser = 1337
)

// bin is where TestMain builds the programs.
var bin string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "standin")
	if err != nil {
		log.Fatal(err)
	}
	// Processes of other users run what is in it.
	if err := os.Chmod(dir, 0o755); err != nil {
		log.Fatal(err)
	}
	build := exec.Command("go", "build", "-o", dir, "./pilot-agent", "./app")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		log.Fatal(err)
	}
	bin = dir
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// A space is a network namespace and a thread that lives in it. The namespace goes
// with the thread and the processes that the thread starts, they with the thread.
type space struct {
	ns netns.NsHandle
	do chan func()
}

func newSpace(t *testing.T) *space {
	t.Helper()
	s := &space{do: make(chan func())}
	made := make(chan error)
	go func() {
		runtime.LockOSThread() // And never unlocked: the thread ends with this function.
		var err error
		s.ns, err = netns.New()
		made <- err
		for f := range s.do {
			f()
		}
	}()
	if err := <-made; err != nil {
		t.Skipf("network namespace: %v", err)
	}
	t.Cleanup(func() { close(s.do); s.ns.Close() })
	return s
}

// in runs a function in the namespace.
func (s *space) in(f func()) {
	done := make(chan struct{})
	s.do <- func() { defer close(done); f() }
	<-done
}

// command is a program to run in the namespace, by a user and the group of the same
// number.
func command(ctx context.Context, id uint32, env []string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(bin, args[0]), args[1:]...)
	cmd.Env = append([]string{"PATH=" + bin}, env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Pdeathsig: syscall.SIGKILL, Credential: &syscall.Credential{Uid: id, Gid: id}}
	return cmd
}

// run runs a program to its end and returns what it printed and its exit status.
func (s *space) run(t *testing.T, id uint32, args ...string) (string, int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	return s.finish(t, command(ctx, id, nil, args...))
}

func (s *space) finish(t *testing.T, cmd *exec.Cmd) (string, int) {
	t.Helper()
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	var err error
	s.in(func() { err = cmd.Run() })
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		t.Fatal(err)
	}
	return out.String(), cmd.ProcessState.ExitCode()
}

// A process runs until it is stopped, at the latest when the test ends.
type process struct {
	cmd  *exec.Cmd
	done chan struct{}
	mu   sync.Mutex
	out  bytes.Buffer
}

func (s *space) start(t *testing.T, id uint32, env []string, args ...string) *process {
	t.Helper()
	p := &process{cmd: command(context.Background(), id, env, args...), done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = p, p
	var err error
	s.in(func() { err = p.cmd.Start() })
	if err != nil {
		t.Fatal(err)
	}
	go func() { p.cmd.Wait(); close(p.done) }()
	t.Cleanup(func() {
		p.cmd.Process.Kill()
		<-p.done
		if t.Failed() {
			t.Logf("%s:\n%s", strings.Join(args, " "), p.said())
		}
	})
	return p
}

// Write takes what the process prints.
func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.Write(b)
}

func (p *process) said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.String()
}

// exited waits for the process and returns its exit status.
func (p *process) exited(t *testing.T) int {
	t.Helper()
	select {
	case <-p.done:
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(time.Minute):
		t.Fatal("the process has not ended within a minute")
		return -1
	}
}

// A pod has a namespace, and an outside that it is linked to.
type pod struct{ inside, outside *space }

// Addresses of the pod and of the outside, which has two of each family.
const (
	podAddress, podAddress6         = "10.77.0.2", "fd77::2"
	outsideAddress, outsideAddress6 = "10.77.0.1", "fd77::1"
	farAddress, farAddress6         = "10.99.0.1", "fd99::1"
)

// newPod makes a pod without rules and without processes. It skips the test where
// that cannot be: that, and nothing else, is a reason to skip.
func newPod(t *testing.T) pod {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("network namespaces, and processes of several users: want root")
	}
	p := pod{newSpace(t), newSpace(t)}
	if err := redirect.Apply(p.inside.ns, redirect.RuleSet{}); err != nil {
		t.Skipf("rules in a network namespace: %v", err)
	}
	inside, outside := handle(t, p.inside), handle(t, p.outside)
	check(t, inside.LinkAdd(&netlink.Veth{
		LinkAttrs: netlink.LinkAttrs{Name: "eth0"}, PeerName: "eth0", PeerNamespace: netlink.NsFd(p.outside.ns)}))
	up(t, inside, "lo")
	up(t, inside, "eth0", podAddress+"/24", podAddress6+"/64")
	up(t, outside, "lo", farAddress+"/32", farAddress6+"/128")
	up(t, outside, "eth0", outsideAddress+"/24", outsideAddress6+"/64")
	for _, gateway := range []string{outsideAddress, outsideAddress6} {
		check(t, inside.RouteAdd(&netlink.Route{Gw: net.ParseIP(gateway)}))
	}
	return p
}

func handle(t *testing.T, s *space) *netlink.Handle {
	t.Helper()
	h, err := netlink.NewHandleAt(s.ns)
	check(t, err)
	t.Cleanup(h.Close)
	return h
}

func up(t *testing.T, h *netlink.Handle, link string, addresses ...string) {
	t.Helper()
	l, err := h.LinkByName(link)
	check(t, err)
	check(t, h.LinkSetUp(l))
	for _, a := range addresses {
		p := netip.MustParsePrefix(a)
		check(t, h.AddrAdd(l, &netlink.Addr{
			IPNet: &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())},
			Flags: unix.IFA_F_NODAD, // Usable at once.
		}))
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// serve starts the application and returns when it answers.
func (s *space) serve(t *testing.T, port int, args ...string) *process {
	t.Helper()
	app := s.start(t, appUser, nil, append([]string{"app", "serve", "--http", fmt.Sprint(port)}, args...)...)
	url := fmt.Sprintf("http://127.0.0.1:%d/readyz", port)
	if out, code := s.run(t, appUser, "app", "get", "--retry", "30s", url); code != 0 {
		t.Fatalf("app: %s", out)
	}
	return app
}

// proxy starts the proxy and returns when it is ready.
func (p pod) proxy(t *testing.T, env ...string) *process {
	t.Helper()
	proxy := p.inside.start(t, proxyUser, append(env, "INSTANCE_IP="+podAddress),
		"pilot-agent", "proxy", "sidecar", "--domain", "default.svc.cluster.local", "--proxyLogLevel=warning")
	if out, code := p.inside.run(t, proxyUser, "pilot-agent", "wait", "--periodMillis", "50"); code != 0 {
		t.Fatalf("wait: %s", out)
	}
	return proxy
}

// iptables sets the rules, as root with two capabilities more than none.
func (p pod) iptables(t *testing.T, args ...string) {
	t.Helper()
	if out, code := p.inside.run(t, 0, append([]string{"pilot-agent", "istio-iptables"}, args...)...); code != 0 {
		t.Fatalf("istio-iptables: status %d: %s", code, out)
	}
}

var connections = regexp.MustCompile(`(?m)^standin_connections_total{direction="(\w+)",port="(\d+)"} (\d+)$`)

// counted returns how many connections the proxy has counted, by direction and port.
func (p pod) counted(t *testing.T) map[string]int {
	t.Helper()
	text, code := p.inside.run(t, proxyUser, "app", "get", "http://127.0.0.1:15090/stats/prometheus")
	if code != 0 {
		t.Fatalf("stats: %s", text)
	}
	counts := map[string]int{}
	for _, m := range connections.FindAllStringSubmatch(text, -1) {
		n := 0
		fmt.Sscan(m[3], &n)
		counts[m[1]+" "+m[2]] = n
	}
	return counts
}

// since returns what was counted after before was.
func (p pod) since(t *testing.T, before map[string]int) map[string]int {
	t.Helper()
	after := p.counted(t)
	for k, n := range before {
		if after[k] -= n; after[k] == 0 {
			delete(after, k)
		}
	}
	return after
}
