package e2ereal_test

import (
	"context"
	"testing"
	"time"

	"outrigger.dev/outrigger/test/cluster"
	"outrigger.dev/outrigger/test/cluster/soak"
)

// The short form of "make soak". Its runs are made at the same time, and no other test with
// them: creating pods takes the machine's time.
func TestSoak(t *testing.T) {
	c := real(t)
	for name, soaking := range map[string]struct {
		run  func(context.Context, *cluster.Cluster, soak.Options) (*soak.Report, error)
		rate int
	}{
		"an authority of its own":     {soak.SelfSigned, 20},
		"a certificate from a Secret": {soak.Files, 5},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
			defer cancel()
			report, err := soaking.run(ctx, c, soak.Options{Rate: soaking.rate})
			if err != nil {
				t.Error(err)
			}
			if report == nil {
				return
			}
			t.Log(report)
			if err := report.Lost(); err != nil {
				t.Error(err)
			}
		})
	}
}
