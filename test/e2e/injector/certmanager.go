package injector

import (
	"context"
	"os"
	"path/filepath"

	"outrigger.dev/outrigger/test/controlplane"
	"outrigger.dev/outrigger/test/controlplane/binaries"
)

// StartCertManager runs cert-manager's controllers and its cainjector beside a control plane
// that has its CustomResourceDefinitions, as an administrator. It builds them where the cache
// has them not. They write to log and end when stop is called, which waits for that.
func StartCertManager(ctx context.Context, cluster *controlplane.ControlPlane, tools Tools, log string) (stop func() error, err error) {
	path, err := binaries.BuildModule(ctx, os.Stderr, filepath.Join(tools.Root, "test", "certmanager"))
	if err != nil {
		return nil, err
	}
	p, err := startProcess(path, []string{"-kubeconfig", cluster.Kubeconfig()}, nil, log)
	if err != nil {
		return nil, err
	}
	return func() error { return p.end(os.Interrupt) }, nil
}
