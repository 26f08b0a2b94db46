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
	// Server and Helm are paths of binaries.
	Server, Helm string
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
		cmd := exec.CommandContext(ctx, "go", "build", "-o", build.out, build.what)
		cmd.Dir = build.dir
		if out, err := cmd.CombinedOutput(); err != nil {
			return Tools{}, fmt.Errorf("go build %s: %w\n%s", build.what, err, out)
		}
	}
	return t, nil
}
