// Package e2ereal_test proves on pods that run what Outrigger promises. There is one cluster
// for all tests, with Outrigger installed in it from its own image and chart. A test asks for
// it by [real], which skips the test, with the reason, where there can be no cluster.
//
// The pods that are injected run the images of test/standin: an application, and beside it a
// stand-in for Istio's proxy, which counts what goes through it. A test runs its pods in a
// namespace of its own ([newSpace]), in parallel with others, and reads [connections].
package e2ereal_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"testing"
	"time"

	"outrigger.dev/outrigger/test/cluster"
	"outrigger.dev/outrigger/test/cluster/outrigger"
)

// What all tests share, set before the first of them: the cluster, or why there is none.
var (
	shared *cluster.Cluster
	needs  []cluster.Need
)

// parallel is how many tests run at a time unless the command line says otherwise. They wait
// for pods, and have little to do themselves.
const parallel = "6"

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
	if err := flag.Set("test.parallel", parallel); err != nil {
		return 0, err
	}
	if needs = cluster.Missing(); len(needs) > 0 {
		return m.Run(), nil
	}
	dir, err := os.MkdirTemp("", "e2ereal-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	plugin, err := outrigger.RedirectPlugin(ctx, dir)
	if err != nil {
		return 0, err
	}
	if shared, err = cluster.Start(ctx, cluster.Options{Plugins: []cluster.Plugin{plugin}}); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, shared.Stop()) }()
	if err := outrigger.LoadStandIn(ctx, shared.ImageStore); err != nil {
		return 0, err
	}
	if err := outrigger.Install(ctx, shared, outrigger.StandIn...); err != nil {
		return 0, err
	}
	return m.Run(), nil
}

// real is the cluster. Without one the test is skipped.
func real(t *testing.T) *cluster.Cluster {
	t.Helper()
	if len(needs) > 0 {
		t.Skip("needs a cluster: ", needs)
	}
	return shared
}

// within is the end of a test's patience.
func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// eventually asks until there is no error any more, for three minutes.
func eventually(t *testing.T, ask func() error) {
	t.Helper()
	for deadline := time.Now().Add(3 * time.Minute); ; time.Sleep(200 * time.Millisecond) {
		err := ask()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

// kubectl runs kubectl, which must succeed, and returns what it printed.
func kubectl(t *testing.T, args ...string) string {
	t.Helper()
	out, err := real(t).Kubectl(within(t), args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
