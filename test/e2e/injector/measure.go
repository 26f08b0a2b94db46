package injector

import (
	"context"
	"errors"
	"os"

	"outrigger.dev/outrigger/test/controlplane"
)

// Measure builds the server, starts a control plane without nodes, and calls measure with
// both and with a folder for logs, which is named after name. Whatever it has started is
// gone when it returns. It is for programs in a folder of test/e2e.
func Measure(ctx context.Context, name string, measure func(cluster *controlplane.ControlPlane, tools Tools, logs string) error) (err error) {
	logs, err := os.MkdirTemp("", "outrigger-"+name+"-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(logs)
	tools, err := Build(ctx, "../..", logs)
	if err != nil {
		return err
	}
	cluster, err := controlplane.Start(ctx, controlplane.Options{Nodes: -1})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cluster.Stop()) }()
	return measure(cluster, tools, logs)
}
