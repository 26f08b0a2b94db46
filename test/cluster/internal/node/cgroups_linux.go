package node

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// makeCgroups makes a cgroup in every hierarchy that there is: one, or one for each
// controller, or both, as the machine has it.
func makeCgroups(name string) error {
	hierarchies, err := Hierarchies()
	if err != nil {
		return err
	}
	for _, root := range hierarchies {
		if err := enableControllers(root); err != nil {
			return fmt.Errorf("cgroup: %w", err)
		}
		if err := os.MkdirAll(filepath.Join(root, name), 0o755); err != nil {
			return fmt.Errorf("cgroup: %w", err)
		}
	}
	return nil
}

// enableControllers gives the cgroups below root the controllers that a kubelet asks for, as
// far as there are any to give: in a hierarchy for one controller there is no such choice.
func enableControllers(root string) error {
	text, err := os.ReadFile(filepath.Join(root, "cgroup.controllers"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, controller := range strings.Fields(string(text)) {
		switch controller {
		case "cpu", "cpuset", "memory", "hugetlb", "pids", "io":
			file := filepath.Join(root, "cgroup.subtree_control")
			if err := os.WriteFile(file, []byte("+"+controller), 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}

// removeCgroups removes a cgroup and all below it from every hierarchy. No process may be in
// it any more.
func removeCgroups(name string) error {
	hierarchies, err := Hierarchies()
	for _, root := range hierarchies {
		err = errors.Join(err, removeCgroup(filepath.Join(root, name)))
	}
	return err
}

// removeCgroup removes one, the lowest first. The kernel takes a moment to notice that the
// last process has left.
func removeCgroup(dir string) error {
	var folders []string
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil && entry.IsDir() {
			folders = append(folders, path)
		}
		return err
	})
	if err != nil {
		return err
	}
	for i := len(folders) - 1; i >= 0; i-- {
		if err := removeFolder(folders[i]); err != nil {
			return fmt.Errorf("cgroup: %w", err)
		}
	}
	return nil
}

func removeFolder(dir string) error {
	var err error
	for range 100 {
		err = os.Remove(dir)
		if !errors.Is(err, syscall.EBUSY) {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Hierarchies returns where the machine's cgroups are mounted.
func Hierarchies() ([]string, error) {
	file, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var found []string
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		// Numbers, the root, the mount point, options; a dash; then the type (man 5
		// proc_pid_mountinfo).
		before, after, _ := strings.Cut(lines.Text(), " - ")
		fields := strings.Fields(before)
		if kind, _, _ := strings.Cut(after, " "); (kind == "cgroup" || kind == "cgroup2") && len(fields) > 4 {
			found = append(found, fields[4])
		}
	}
	return found, lines.Err()
}
