package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// A module is a Go module of the repository with the files that are its own.
type module struct {
	// name is its folder, from the repository's root.
	name string
	root string
	// files are its Go files, from the repository's root.
	files []string
}

func (m module) dir() string { return filepath.Join(m.root, m.name) }

// modulesOf finds the modules under root with Go files in them, as git knows
// them: what is ignored is nobody's to check.
func modulesOf(ctx context.Context, root string) ([]module, error) {
	listed, err := output(ctx, root, "git", "ls-files", "--cached", "--others", "--exclude-standard", "*.go", "*go.mod")
	if err != nil {
		return nil, err
	}
	var modules []module
	files := strings.Fields(listed)
	for _, f := range files {
		if filepath.Base(f) == "go.mod" {
			modules = append(modules, module{name: filepath.Dir(f), root: root})
		}
	}
	for _, f := range files {
		if strings.HasSuffix(f, ".go") {
			if m := owner(modules, f); m != nil {
				m.files = append(m.files, f)
			}
		}
	}
	modules = slices.DeleteFunc(modules, func(m module) bool { return len(m.files) == 0 })
	slices.SortFunc(modules, func(a, b module) int { return strings.Compare(a.name, b.name) })
	return modules, nil
}

// owner is the innermost module whose folder a file is in.
func owner(modules []module, file string) *module {
	for dir := filepath.Dir(file); ; dir = filepath.Dir(dir) {
		for i := range modules {
			if modules[i].name == dir {
				return &modules[i]
			}
		}
		if dir == "." {
			return nil
		}
	}
}

// output runs a command and returns what it writes; if it fails, that is
// standard error as well.
func output(ctx context.Context, dir string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir = dir
	out, err := cmd.Output()
	if err == nil {
		return string(out), nil
	}
	text := string(out)
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		text += string(exit.Stderr)
	}
	return text, fmt.Errorf("%s: %w", strings.Join(args[:2], " "), err)
}
