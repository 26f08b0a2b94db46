package ui

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	"outrigger.dev/outrigger/test/controlplane/binaries"
)

var (
	//go:embed package.json
	manifest []byte
	//go:embed package-lock.json
	lock []byte
)

// ErrNoModules says that npm's packages have not been installed.
var ErrNoModules = errors.New("npm's packages are not installed (make ui-deps)")

// Folder is where everything of the page's tests is kept.
func Folder() (string, error) {
	cache, err := binaries.Cache()
	return filepath.Join(cache, "ui"), err
}

// Modules is the folder that has npm's packages below node_modules. The error is
// [ErrNoModules] where it is not there yet.
func Modules() (string, error) {
	folder, err := modulesFolder()
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(folder); errors.Is(err, os.ErrNotExist) {
		return "", ErrNoModules
	}
	return folder, err
}

// modulesFolder is named after what is in it: other versions have another one.
func modulesFolder() (string, error) {
	folder, err := Folder()
	sum := sha256.Sum256(lock)
	return filepath.Join(folder, "npm-"+hex.EncodeToString(sum[:6])), err
}

// Install installs npm's packages, if they are not there, and returns their folder.
// What npm says goes to progress. An installation that is cut short leaves nothing
// that would be taken for a whole one.
func Install(ctx context.Context, progress io.Writer) (string, error) {
	folder, err := Modules()
	if !errors.Is(err, ErrNoModules) {
		return folder, err
	}
	if folder, err = modulesFolder(); err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Dir(folder), 0o755); err != nil {
		return "", err
	}
	making, err := os.MkdirTemp(filepath.Dir(folder), "making-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(making) // it has another name, where all went well
	for name, text := range map[string][]byte{"package.json": manifest, "package-lock.json": lock} {
		if err := os.WriteFile(filepath.Join(making, name), text, 0o644); err != nil {
			return "", err
		}
	}
	// No script of a package is run: neither needs one, and Chromium is Debian's.
	cmd := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	cmd.Dir, cmd.Stdout, cmd.Stderr = making, progress, progress
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("npm ci: %w: npm's packages cannot be had, see what it says", err)
	}
	if err := os.Rename(making, folder); err != nil && !errors.Is(err, os.ErrExist) {
		return "", err
	}
	return folder, nil
}
