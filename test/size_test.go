package test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// maxServer is how large the stripped server may be. A node that pulls it in the
// middle of an outage pays for every byte.
const maxServer = 60 << 20

func TestServerIsSmall(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "outrigger-injector")
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags=-s -w", "-o", binary, "./cmd/outrigger-injector")
	build.Dir = ".."
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	info, err := os.Stat(binary)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("the stripped server has %.1f MiB", float64(info.Size())/(1<<20))
	if info.Size() > maxServer {
		t.Errorf("the stripped server has %d bytes, want at most %d", info.Size(), maxServer)
	}
}
