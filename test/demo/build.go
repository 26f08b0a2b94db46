package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"outrigger.dev/outrigger/test/controlplane/binaries"
)

// build makes the programs of a demo: those of Kubernetes, which take minutes the first time,
// Helm, which takes some more, Outrigger's, and one more by its line. All of them take a
// second or two after that. It puts them into the folder bin, kubectl included.
func (s *session) build(
	ctx context.Context, bin string, kubernetes func(context.Context, io.Writer) (binaries.Paths, error), what, line string,
) error {
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return err
	}
	paths, err := kubernetes(ctx, &indented{to: s.out, start: true})
	if err != nil {
		return err
	}
	kubectl := filepath.Join(bin, "kubectl")
	if err := os.Remove(kubectl); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := os.Symlink(paths.Kubectl, kubectl); err != nil {
		return err
	}
	for _, b := range []struct{ what, line string }{
		{"helm", "go build -C test/e2e -o " + bin + " helm.sh/helm/v4/cmd/helm"},
		{what, line},
		{"outrigger, outrigger-injector", "go build -o " + bin + " ./cmd/..."},
	} {
		if err := s.buildOne(ctx, b.what, b.line); err != nil {
			return err
		}
	}
	return nil
}

// buildOne says what is built and how long it took.
func (s *session) buildOne(ctx context.Context, what, line string) error {
	fmt.Fprintf(s.out, "  building %s ... ", what)
	start := time.Now()
	var said strings.Builder
	if err := s.quiet(ctx, line, &said); err != nil {
		fmt.Fprintln(s.out, "stopped")
		return fmt.Errorf("%w\n%s", err, said.String())
	}
	fmt.Fprintf(s.out, "%.0f s\n", time.Since(start).Seconds())
	return nil
}
