package e2ereal_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"outrigger.dev/outrigger/test/cluster/internal/node"
)

// process is the first process of a container, as this machine's kernel has it: what it says
// holds, whatever the API server was told.
type process struct {
	pid     string
	cgroups []string // the container's folders, one for each hierarchy that has it
}

// processOf finds the process of a container that runs.
func processOf(t *testing.T, pod *corev1.Pod, container string) process {
	t.Helper()
	s := status(pod, container)
	if s == nil || s.State.Running == nil {
		t.Fatalf("%s: container %q does not run", pod.Name, container)
	}
	_, id, _ := strings.Cut(s.ContainerID, "://")
	roots, err := node.Hierarchies()
	if err != nil {
		t.Fatal(err)
	}
	var p process
	for _, root := range roots {
		_ = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err == nil && entry.IsDir() && entry.Name() == id {
				p.cgroups = append(p.cgroups, path)
				return fs.SkipAll
			}
			return nil // what goes meanwhile is not there
		})
	}
	pids := strings.Fields(p.limit(t, "cgroup.procs"))
	if len(pids) == 0 {
		t.Fatalf("%s: container %q has no process", pod.Name, container)
	}
	p.pid = pids[0]
	return p
}

// limit reads a file of the container's cgroup, which may have one name or another.
func (p process) limit(t *testing.T, names ...string) string {
	t.Helper()
	for _, dir := range p.cgroups {
		for _, name := range names {
			if text, err := os.ReadFile(filepath.Join(dir, name)); err == nil {
				return strings.TrimSpace(string(text))
			}
		}
	}
	t.Fatalf("none of %v in %v", names, p.cgroups)
	return ""
}

// read reads something that the kernel says of the process, or, below "root", a file as the
// process sees it.
func (p process) read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("/proc", p.pid, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// wantEnv wants a variable in the environment that the process was started with.
func (p process) wantEnv(t *testing.T, want string) {
	t.Helper()
	env := strings.Split(p.read(t, "environ"), "\x00")
	if !slices.Contains(env, want) {
		t.Errorf("environment of the sidecar: want %s in %q", want, env)
	}
}

// wantUser wants the process to have a user and a group, whatever they are called.
func (p process) wantUser(t *testing.T, user, group string) {
	t.Helper()
	for line := range strings.Lines(p.read(t, "status")) {
		fields := strings.Fields(line)
		if fields[0] == "Uid:" && fields[1] != user || fields[0] == "Gid:" && fields[1] != group {
			t.Errorf("%q, want user %s and group %s", line, user, group)
		}
	}
}

// wantMemory wants the kernel to let the container have so many bytes, and no more.
func (p process) wantMemory(t *testing.T, want string) {
	t.Helper()
	if got := p.limit(t, "memory.limit_in_bytes", "memory.max"); got != want {
		t.Errorf("limit of memory: %s, want %s", got, want)
	}
}

// wantCPU wants the container to have so many microseconds in each tenth of a second.
func (p process) wantCPU(t *testing.T, want string) {
	t.Helper()
	got, _, _ := strings.Cut(p.limit(t, "cpu.cfs_quota_us", "cpu.max"), " ")
	if got != want {
		t.Errorf("limit of CPU time: %s µs, want %s", got, want)
	}
}
