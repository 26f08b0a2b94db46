package node

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// logsInNode is where the node finds the folder for logs, which may lie in one that is
// covered.
const logsInNode = "/run/logs"

// mounts are those that were made on top of the machine's, in their order.
type mounts struct{ targets []string }

// tunables are the kernel's settings that the kubelet makes, with the values that it wants.
// They hold for the whole machine. The source is setupKernelTunables in the kubelet's package
// cm.
var tunables = map[string]string{
	"vm/overcommit_memory":      "1",
	"vm/panic_on_oom":           "0",
	"kernel/panic":              "10",
	"kernel/panic_on_oops":      "1",
	"kernel/keys/root_maxkeys":  "1000000",
	"kernel/keys/root_maxbytes": "25000000",
}

// make puts the node's own folders in the place of the machine's. Nothing of it is seen
// outside.
func (m *mounts) make(dir, logs string) error {
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("mounts: %w", err)
	}
	// Found before it may be covered.
	folder, err := os.Open(logs)
	if err != nil {
		return err
	}
	defer folder.Close()
	steps := []func() error{
		func() error { return m.mount("proc", "/proc", "proc", 0, "") },
		func() error { return m.mount("tmpfs", "/run", "tmpfs", 0, "mode=755") },
		func() error { return m.bind(fmt.Sprintf("/proc/self/fd/%d", folder.Fd()), logsInNode) },
		func() error { return m.bind(filepath.Join(dir, "log"), "/var/log") },
		func() error { return m.cover(dir) },
		func() error { return m.bind(filepath.Join(dir, "lib"), "/var/lib") },
		// Pods may ask for mounts that they share with the node.
		func() error { return syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_SHARED, "") },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// cover hides the tunables behind files that say what the kubelet wants to read, where that
// is not so already.
func (m *mounts) cover(dir string) error {
	for name, want := range tunables {
		target := filepath.Join("/proc/sys", name)
		got, err := os.ReadFile(target)
		if errors.Is(err, os.ErrNotExist) || strings.TrimSpace(string(got)) == want {
			continue
		}
		file := filepath.Join(dir, strings.ReplaceAll(name, "/", "."))
		if err := os.WriteFile(file, []byte(want+"\n"), 0o644); err != nil {
			return err
		}
		if err := m.mount(file, target, "", syscall.MS_BIND, ""); err != nil {
			return err
		}
	}
	return nil
}

// bind shows a folder at another place, both of which it makes.
func (m *mounts) bind(source, target string) error {
	for _, folder := range []string{source, target} {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return err
		}
	}
	return m.mount(source, target, "", syscall.MS_BIND, "")
}

func (m *mounts) mount(source, target, kind string, flags uintptr, options string) error {
	if err := syscall.Mount(source, target, kind, flags, options); err != nil {
		return fmt.Errorf("mount %s on %s: %w", source, target, err)
	}
	m.targets = append(m.targets, target)
	return nil
}

// undo takes the mounts away, with all that was mounted below them, so that the folders
// behind them can be removed.
func (m *mounts) undo() {
	for i := len(m.targets) - 1; i >= 0; i-- {
		_ = syscall.Unmount(m.targets[i], syscall.MNT_DETACH) // what stays ends with the keeper
	}
}

// empty makes a folder that is there and empty.
func empty(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	for _, entry := range entries {
		err = errors.Join(err, removeAll(filepath.Join(dir, entry.Name())))
	}
	return err
}

// removeAll removes a folder in which others may still write: after a crash those who write
// there are told to end at the same time as the node.
func removeAll(dir string) error {
	var err error
	for range 100 {
		if err = os.RemoveAll(dir); err == nil {
			return nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	return err
}
