package binaries

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// BuildModule returns the program of a module in this repository, in folder, that makes one
// of somebody else's packages; it builds it unless the cache has it, as [Build] does. The
// version that it is kept under is that of the module that go.mod requires first, and a
// digest of what is in the folder, so that it is built again after a change of either.
func BuildModule(ctx context.Context, progress io.Writer, folder string) (string, error) {
	folder, err := filepath.Abs(folder)
	if err != nil {
		return "", err
	}
	source, err := readLocal(folder)
	if err != nil {
		return "", err
	}
	var file string
	name := filepath.Base(folder)
	_, err = have(ctx, progress, []program{{
		name: name, project: &project{name: name, path: source.path, local: source},
		path: func(*Paths) *string { return &file },
	}})
	return file, err
}

// local is a module without folders below it, as it is in the repository.
type local struct {
	path    string // of the module
	version string
	files   map[string][]byte
}

var (
	modulePath    = regexp.MustCompile(`(?m)^module (\S+)$`)
	firstRequired = regexp.MustCompile(`(?m)^(?:require |\t)\S+ (v\S+)`)
)

// readLocal reads a module: go.mod, go.sum and what is written in Go.
func readLocal(folder string) (*local, error) {
	entries, err := os.ReadDir(folder) // in the order of their names
	if err != nil {
		return nil, err
	}
	l := &local{files: map[string][]byte{}}
	digest := sha256.New()
	for _, entry := range entries {
		name := entry.Name()
		if name != "go.mod" && name != "go.sum" && !strings.HasSuffix(name, ".go") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			return nil, err
		}
		l.files[name] = text
		fmt.Fprintf(digest, "%s %d\n%s", name, len(text), text)
	}
	path, required := modulePath.FindSubmatch(l.files["go.mod"]), firstRequired.FindSubmatch(l.files["go.mod"])
	if path == nil || required == nil {
		return nil, fmt.Errorf("folder %q: has no go.mod that requires a module", folder)
	}
	l.path, l.version = string(path[1]), fmt.Sprintf("%s-%.4x", required[1], digest.Sum(nil))
	return l, nil
}

// unpack writes the module into another folder.
func (l *local) unpack(folder string) error {
	for name, text := range l.files {
		if err := os.WriteFile(filepath.Join(folder, name), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}
