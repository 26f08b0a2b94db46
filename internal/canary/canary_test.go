package canary

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"outrigger.dev/outrigger/internal/cluster"
)

// Calls are counted by what came of them, and a change is said once.
func TestCallsAreCountedAndChangesSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		outcomes := []error{nil, cluster.ErrUnreachable, fmt.Errorf("again: %w", cluster.ErrUnreachable), cluster.ErrNotCalled, cluster.ErrRefused, nil}
		ctx, stop := context.WithCancel(t.Context())
		call := func(context.Context) error {
			if len(outcomes) == 0 {
				stop() // what comes of a call that is cut short is not counted
				return cluster.ErrUnreachable
			}
			outcome := outcomes[0]
			outcomes = outcomes[1:]
			return outcome
		}
		registry := prometheus.NewRegistry()
		var said strings.Builder
		log := slog.New(slog.NewTextHandler(&said, nil))
		began := time.Now()
		New(call, registry, log).Run(ctx)
		if took := time.Since(began); took != 6*every {
			t.Errorf("seven calls took %s, want %s", took, 6*every)
		}
		want := map[string]float64{"answered": 2, "not-called": 1, "refused": 1, "unreachable": 2, "": 1}
		if diff := cmp.Diff(want, counted(t, registry)); diff != "" {
			t.Errorf("calls by result, and without one whether the last was answered (-want +got):\n%s", diff)
		}
		if warned, back := strings.Count(said.String(), "canary was not answered"), strings.Count(said.String(), "canary is answered"); warned != 3 || back != 1 {
			t.Errorf("warned %d times and said %d times that it is well, want 3 and 1:\n%s", warned, back, said.String())
		}
	})
}

// counted are the calls by their result, and whether the last was answered without one.
func counted(t *testing.T, registry *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]float64{}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			switch family.GetName() {
			case "outrigger_canary_calls_total":
				all[m.GetLabel()[0].GetValue()] = m.GetCounter().GetValue()
			case "outrigger_canary_answered":
				all[""] = m.GetGauge().GetValue()
			}
		}
	}
	return all
}
