// Crds prints the paths of manifests: the CustomResourceDefinitions of the resources
// that the chart renders for other projects, in the modules that these publish. It is a
// module of its own, so that what they need is needed by nothing else.
package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	// Named, so that go.mod has the modules whose files are read.
	_ "github.com/cert-manager/cert-manager/pkg/apis/certmanager"
	_ "github.com/prometheus-operator/prometheus-operator/pkg/versionutil"
)

// sources are modules, and the files in them.
var sources = []struct{ module, files string }{
	{"github.com/cert-manager/cert-manager", "deploy/crds/cert-manager.io_*.yaml"},
	{"github.com/prometheus-operator/prometheus-operator", "example/prometheus-operator-crd/*_servicemonitors.yaml"},
	{"github.com/prometheus-operator/prometheus-operator", "example/prometheus-operator-crd/*_prometheusrules.yaml"},
}

func main() {
	for _, source := range sources {
		files, err := filesOf(context.Background(), source.module, source.files)
		if err != nil {
			fmt.Fprintln(os.Stderr, "error:", err)
			os.Exit(1)
		}
		fmt.Println(strings.Join(files, "\n"))
	}
}

// filesOf finds files in a module that go.mod names. It downloads the module where it
// is not there yet.
func filesOf(ctx context.Context, module, pattern string) ([]string, error) {
	dir, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", module).Output()
	if err != nil {
		return nil, fmt.Errorf("module %s: %w", module, err)
	}
	files, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(dir)), pattern))
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("module %s: no files %s in %q", module, pattern, strings.TrimSpace(string(dir)))
	}
	return files, err
}
