package binaries

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// builder builds programs below one folder of the cache.
type builder struct {
	root     string
	progress io.Writer
}

// file is where a program is kept. The version is part of the path, so a raised version is
// built and the one before stays for branches that still use it.
func (b *builder) file(p program) (string, error) {
	version, err := p.project.version()
	if err != nil {
		return "", err
	}
	return filepath.Join(b.root, p.project.name+"-"+version, p.name), nil
}

// build makes one program. It comes to its place by a rename, so what is there is always
// whole.
func (b *builder) build(ctx context.Context, p program, n, of int) error {
	version, err := p.project.version()
	if err != nil {
		return err
	}
	file, err := b.file(p)
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp(b.root, "build-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	if err := p.project.unpack(work); err != nil {
		return err
	}

	fmt.Fprintf(b.progress, "building %s %s (%d of %d) ... ", p.name, version, n, of)
	begin := time.Now()
	err = goBuild(ctx, work, p, version)
	if err != nil {
		fmt.Fprintln(b.progress, "stopped")
		return fmt.Errorf("%s %s: %w", p.name, version, err)
	}
	fmt.Fprintf(b.progress, "%.0f s\n", time.Since(begin).Seconds())

	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.Rename(filepath.Join(work, p.name), file)
}

// goBuild compiles a program in the module root folder. C is left out: it would need a
// compiler, and nothing here uses it. So are the tables for debuggers, which the linker
// would drop and which take a tenth of the time.
func goBuild(ctx context.Context, folder string, p program, version string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-mod=readonly", "-trimpath", "-buildvcs=false",
		"-gcflags=all=-dwarf=false", "-ldflags", p.project.linkerFlags(version), "-o", p.name, p.project.path+p.pkg)
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOOS="+runtime.GOOS, "GOARCH="+runtime.GOARCH)
	// go, asked to stop, stops the compilers that it runs; killed, it leaves them.
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	var messages bytes.Buffer
	cmd.Stderr = &messages

	err := cmd.Run()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("go build: %w\n%s", err, lastLines(messages.String(), 20))
	}
	return nil
}

// lock makes this process the only one that builds, and returns how to let go. The kernel
// lets go too when the process ends, however it ends.
func (b *builder) lock(ctx context.Context) (unlock func(), err error) {
	if err := os.MkdirAll(b.root, 0o755); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(filepath.Join(b.root, "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	for told := false; ; {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { file.Close() }, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			file.Close()
			return nil, fmt.Errorf("lock %s: %w", file.Name(), err)
		}
		if !told {
			fmt.Fprintln(b.progress, "waiting for another process that builds the control plane")
			told = true
		}
		select {
		case <-ctx.Done():
			file.Close()
			return nil, ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// sweep removes what killed builds left. Only the holder of the lock may call it.
func (b *builder) sweep() {
	left, _ := filepath.Glob(filepath.Join(b.root, "build-*"))
	for _, folder := range left {
		os.RemoveAll(folder)
	}
}

// lastLines returns the end of text, where a compiler says what is wrong.
func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
