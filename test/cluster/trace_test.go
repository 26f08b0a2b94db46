package cluster_test

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// traces are all that a cluster could leave on a machine, each kind a sorted list.
type traces map[string][]string

// look looks for them. Of processes it takes those that are in other namespaces than this
// one, and those that name the node's folder: others come and go on a machine.
func look(t *testing.T) traces {
	t.Helper()
	return traces{
		"mounts":            file(t, "/proc/self/mounts"),
		"processes":         processes(t),
		"cgroups":           folders("/sys/fs/cgroup", "outrigger"),
		"links":             output(t, "ip", "-oneline", "-brief", "link", "show"),
		"addresses":         output(t, "ip", "-oneline", "-brief", "address", "show"),
		"routes":            output(t, "ip", "route", "show"),
		"nftables":          output(t, "nft", "list", "tables"),
		"network names":     glob("/var/run/netns/*", "/run/netns/*"),
		"folders":           glob("/var/lib/*", "/run/*", "/run/containerd/*", "/run/containerd/s/*", "/opt/*", "/var/log/*", "/etc/cni/*", "/usr/libexec/*"),
		"temporary folders": glob(filepath.Join(os.TempDir(), "cluster-*"), filepath.Join(os.TempDir(), "node-*")),
		"settings":          settings(t),
	}
}

// wantNothingLeft wants the traces to be those from before, sooner or later.
func wantNothingLeft(t *testing.T, before traces) {
	t.Helper()
	eventually(t, func() error {
		if diff := cmp.Diff(before, look(t)); diff != "" {
			return fmt.Errorf("what is left (-before +after):\n%s", diff)
		}
		return nil
	})
}

// processes lists those in other PID namespaces, and those that name the node's folder.
func processes(t *testing.T) []string {
	t.Helper()
	own, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, dir := range glob("/proc/[0-9]*") {
		space, err := os.Readlink(filepath.Join(dir, "ns", "pid"))
		if err != nil {
			continue // has ended
		}
		args, _ := os.ReadFile(filepath.Join(dir, "cmdline"))
		text := strings.ReplaceAll(string(args), "\x00", " ")
		if space != own || strings.Contains(text, "outrigger-cluster") {
			found = append(found, text)
		}
	}
	slices.Sort(found)
	return found
}

// settings reads the kernel's settings that a kubelet or kube-proxy would change.
func settings(t *testing.T) []string {
	t.Helper()
	var found []string
	for _, name := range []string{
		"vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops",
		"net/ipv4/ip_forward", "net/ipv4/conf/all/route_localnet", "net/netfilter/nf_conntrack_max",
	} {
		text, err := os.ReadFile("/proc/sys/" + name)
		if err == nil {
			found = append(found, name+" "+strings.TrimSpace(string(text)))
		}
	}
	return found
}

func file(t *testing.T, name string) []string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return lines(text)
}

func output(t *testing.T, name string, args ...string) []string {
	t.Helper()
	out, err := exec.Command(name, args...).Output()
	if err != nil {
		t.Fatal(err)
	}
	return lines(out)
}

func glob(patterns ...string) []string {
	var found []string
	for _, pattern := range patterns {
		names, _ := filepath.Glob(pattern)
		found = append(found, names...)
	}
	slices.Sort(found)
	return found
}

// folders lists those below root whose path has a word in it.
func folders(root, word string) []string {
	var found []string
	_ = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && strings.Contains(path, word) {
			found = append(found, path)
		}
		return nil // what goes meanwhile is not there
	})
	return found
}
