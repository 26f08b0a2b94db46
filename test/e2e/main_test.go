// Package e2e_test proves on a real API server what Outrigger promises. There
// is one control plane for all tests, with Outrigger installed twice on it: as
// the first installation and as the revision canary. What disturbs a server, or
// changes its configuration, brings an installation of its own.
package e2e_test

import (
	"context"
	"fmt"
	"os"
	"testing"

	"outrigger.dev/outrigger/test/controlplane"
	"outrigger.dev/outrigger/test/e2e/injector"
)

// What all tests share. Set before the first of them.
var (
	cluster       *controlplane.ControlPlane
	tools         injector.Tools
	logs          string
	first, canary *injector.Injector
)

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// run sets up, runs the tests, and leaves nothing behind.
func run(m *testing.M) (code int, err error) {
	ctx := context.Background()
	if logs, err = os.MkdirTemp("", "outrigger-e2e-"); err != nil {
		return 0, err
	}
	defer func() {
		if code == 0 && err == nil {
			os.RemoveAll(logs)
		} else {
			fmt.Fprintf(os.Stderr, "logs of servers are in %s\n", logs)
		}
	}()
	if tools, err = injector.Build(ctx, "../..", logs); err != nil {
		return 0, err
	}
	if cluster, err = controlplane.Start(ctx, controlplane.Options{}); err != nil {
		return 0, err
	}
	defer func() {
		if stopped := cluster.Stop(); err == nil {
			err = stopped
		}
	}()
	for revision, i := range map[string]**injector.Injector{"": &first, "canary": &canary} {
		*i, err = injector.Install(ctx, cluster, tools, injector.Options{Revision: revision, Logs: logs})
		if err != nil {
			return 0, err
		}
		defer (*i).Kill()
	}
	return m.Run(), nil
}
