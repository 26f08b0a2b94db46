package e2ereal_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"outrigger.dev/outrigger/test/cluster/outrigger"
)

// newRevision installs Outrigger once more, for the namespaces that are labelled with the
// revision, and returns these labels for [newSpace]. It goes with the test.
func newRevision(t *testing.T, revision string, values ...string) map[string]string {
	t.Helper()
	c := real(t)
	values = slices.Concat(outrigger.StandIn, []string{"revision=" + revision, "replicaCount=1"}, values)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
		defer cancel()
		if _, err := outrigger.Helm(ctx, c, "uninstall", outrigger.Release+"-"+revision,
			"--namespace", outrigger.Namespace, "--ignore-not-found"); err != nil {
			t.Error(err)
		}
	})
	if err := outrigger.Install(within(t), c, values...); err != nil {
		t.Fatal(err)
	}
	return map[string]string{"istio-injection": "", "istio.io/rev": revision}
}
