package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"outrigger.dev/outrigger/inject"
	"outrigger.dev/outrigger/internal/manifest"
)

// A file is a named text.
type file struct {
	name    string
	content []byte
}

// readFiles reads what -f names: files, folders (their manifests by name, not
// those of folders in them) and "-".
func readFiles(names []string, stdin io.Reader) ([]file, error) {
	var files []file
	for i, name := range names {
		if name == "-" {
			if slices.Contains(names[:i], name) {
				return nil, usageError{fmt.Errorf("-f -: standard input can be read once only")}
			}
			content, err := io.ReadAll(stdin)
			if err != nil {
				return nil, fmt.Errorf("standard input: %w", err)
			}
			files = append(files, file{"standard input", content})
			continue
		}
		paths, err := manifests(name)
		if err != nil {
			return nil, err
		}
		for _, path := range paths {
			content, err := os.ReadFile(path)
			if err != nil {
				return nil, err
			}
			files = append(files, file{path, content})
		}
	}
	return files, nil
}

// manifests are the files behind a name: itself, or what is in the folder.
func manifests(name string) ([]string, error) {
	stat, err := os.Stat(name)
	if err != nil || !stat.IsDir() {
		return []string{name}, err
	}
	entries, err := os.ReadDir(name)
	if err != nil {
		return nil, err
	}
	var paths []string
	for _, entry := range entries {
		if isManifest(entry.Name()) && !entry.IsDir() {
			paths = append(paths, filepath.Join(name, entry.Name()))
		}
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("%s: no .yaml, .yml or .json file in it", name)
	}
	return paths, nil
}

// manifestsBelow are the files behind a name: itself, or what is in the folder and in the
// folders in it.
func manifestsBelow(name string) ([]string, error) {
	var paths []string
	err := filepath.WalkDir(name, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		if path == name || isManifest(path) {
			paths = append(paths, path)
		}
		return nil
	})
	if err == nil && len(paths) == 0 {
		err = fmt.Errorf("%s: no .yaml, .yml or .json file in it", name)
	}
	return paths, err
}

// isManifest says whether a file in a folder is one, by its name.
func isManifest(path string) bool {
	return slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(path))
}

// readNamespaces reads the Namespaces of a file, by name. A List of them, as
// "kubectl get namespaces -o yaml" prints, is as good.
func readNamespaces(name string) (map[string]inject.Namespace, error) {
	content, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	namespaces := map[string]inject.Namespace{}
	for _, d := range manifest.Read(name, content) {
		found, err := d.Namespaces()
		if err != nil {
			return nil, err
		}
		for _, ns := range found {
			namespaces[ns.Name] = ns
		}
	}
	if len(namespaces) == 0 {
		return nil, fmt.Errorf("%s: no Namespace in it", name)
	}
	return namespaces, nil
}
