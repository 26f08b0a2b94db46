// Package injector installs Outrigger with its own chart and runs the server on
// this machine, beside a control plane, with the rights of the chart's
// ServiceAccount and no more.
package injector

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
)

// Tools are the programs that are needed besides a control plane's.
type Tools struct {
	// Root is the repository.
	Root string
	// Server, Helm and CLI are paths of binaries. Helm is version 4; CLI is there only
	// after BuildCLI.
	Server, Helm, CLI string
}

// Helm3 builds Helm 3 into a folder, and returns the same tools with it for Helm.
func (t Tools) Helm3(ctx context.Context, into string) (Tools, error) {
	t.Helm = filepath.Join(into, "helm3")
	return t, goBuild(ctx, filepath.Join(t.Root, "test", "e2e"), t.Helm, "helm.sh/helm/v3/cmd/helm")
}

// BuildCLI builds the command line into a folder, and returns the same tools with it.
func (t Tools) BuildCLI(ctx context.Context, into string) (Tools, error) {
	t.CLI = filepath.Join(into, "outrigger")
	return t, goBuild(ctx, t.Root, t.CLI, "./cmd/outrigger")
}

// Build builds the tools into a folder. It is called from a folder of the module
// of these tests, at the depth that root says.
func Build(ctx context.Context, root, into string) (Tools, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return Tools{}, err
	}
	t := Tools{Root: root, Server: filepath.Join(into, "outrigger-injector"), Helm: filepath.Join(into, "helm")}
	for _, build := range []struct{ dir, out, what string }{
		{root, t.Server, "./cmd/outrigger-injector"},
		{filepath.Join(root, "test", "e2e"), t.Helm, "helm.sh/helm/v4/cmd/helm"},
	} {
		if err := goBuild(ctx, build.dir, build.out, build.what); err != nil {
			return Tools{}, err
		}
	}
	return t, nil
}

func goBuild(ctx context.Context, dir, out, what string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-o", out, what)
	cmd.Dir = dir
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build %s: %w\n%s", what, err, said)
	}
	return nil
}
