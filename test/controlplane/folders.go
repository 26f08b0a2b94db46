package controlplane

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// folders is where a control plane keeps its files.
//
// The data, the keys and all that is of no use without the processes lie in a folder of
// this one run, whose name is new. So a watchdog that cleans up after a crash cannot take
// what belongs to the next control plane in the same place.
type folders struct {
	dir       string // the kubeconfig and the logs
	run       string // all else
	temporary bool   // dir goes with the control plane
}

// newFolders makes them, in dir or in a temporary folder. It removes what an earlier
// control plane has left in dir. With an error it returns those that were made.
func newFolders(dir string) (f folders, err error) {
	f.temporary = dir == ""
	if f.temporary {
		f.dir, err = os.MkdirTemp("", "controlplane-")
	} else {
		f.dir, err = filepath.Abs(dir)
	}
	if err != nil {
		return f, err
	}
	if err := f.sweep(); err != nil {
		return f, err
	}
	if err := os.MkdirAll(f.logs(), 0o700); err != nil {
		return f, err
	}
	if f.run, err = os.MkdirTemp(f.dir, "run-"); err != nil {
		return f, err
	}
	for _, name := range []string{"etcd", "pki", "config", "kubeconfigs"} {
		if err := os.Mkdir(f.file(name), 0o700); err != nil {
			return f, err
		}
	}
	return f, nil
}

// sweep removes what an earlier control plane has left.
func (f folders) sweep() error {
	entries, err := os.ReadDir(f.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, entry := range entries {
		if !strings.HasPrefix(entry.Name(), "run-") {
			continue
		}
		if err := os.RemoveAll(filepath.Join(f.dir, entry.Name())); err != nil {
			return err
		}
	}
	return os.RemoveAll(f.logs())
}

// file is the path of a file or folder of this run.
func (f folders) file(parts ...string) string {
	return filepath.Join(append([]string{f.run}, parts...)...)
}

// logs is the folder with what the processes write.
func (f folders) logs() string { return filepath.Join(f.dir, "logs") }

// kubeconfig is at a place that does not change from run to run.
func (f folders) kubeconfig() string { return filepath.Join(f.dir, "kubeconfig") }

// doomed is what nobody needs any more when the processes are gone, and nobody else uses.
func (f folders) doomed() string {
	if f.temporary {
		return f.dir
	}
	return f.run
}

// remove removes what is doomed, and the kubeconfig, which leads nowhere now.
func (f folders) remove() error {
	if f.dir == "" {
		return nil // not even one was made
	}
	return errors.Join(os.RemoveAll(f.kubeconfig()), os.RemoveAll(f.doomed()))
}
