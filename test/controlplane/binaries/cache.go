package binaries

import (
	"bytes"
	"os"
	"path/filepath"
)

// Cache is the folder where the project keeps what is slow to make. The environment
// variable OUTRIGGER_CACHE names it; without that it is .cache in the repository that the
// working directory is part of, and outside of one a folder in the user's own cache.
func Cache() (string, error) {
	if folder := os.Getenv("OUTRIGGER_CACHE"); folder != "" {
		return filepath.Abs(folder)
	}
	folder, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		text, err := os.ReadFile(filepath.Join(folder, "go.mod"))
		if err == nil && bytes.HasPrefix(text, []byte("module outrigger.dev/outrigger\n")) {
			return filepath.Join(folder, ".cache"), nil
		}
		parent := filepath.Dir(folder)
		if parent == folder {
			break
		}
		folder = parent
	}
	user, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(user, "outrigger"), nil
}
