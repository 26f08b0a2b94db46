package agent

// Internal: the bubble that plays the time takes no connections.

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestDrainWaits(t *testing.T) {
	after := func(d time.Duration) func(context.Context) error {
		end := time.Now().Add(d)
		return func(ctx context.Context) error { pause(ctx, time.Until(end)); return ctx.Err() }
	}
	for sentence, c := range map[string]struct {
		drain Drain
		asked bool
		idle  time.Duration
		want  time.Duration
	}{
		"for all of it, whatever is open":           {Drain{Termination: 5 * time.Second}, false, 0, 5 * time.Second},
		"no longer, whatever is open":               {Drain{Termination: 5 * time.Second}, false, time.Hour, 5 * time.Second},
		"not at all, if asked before":               {Drain{Termination: 5 * time.Second}, true, 0, 0},
		"for the last connection, if asked before":  {Drain{Termination: 5 * time.Second}, true, 2 * time.Second, 2 * time.Second},
		"no longer than that, if asked before":      {Drain{Termination: 5 * time.Second}, true, time.Hour, 5 * time.Second},
		"the least, where it ends with connections": {Drain{ExitOnZero: true, Minimum: 3 * time.Second}, true, 0, 3 * time.Second},
		"for the last, where it ends with them":     {Drain{ExitOnZero: true, Minimum: 3 * time.Second}, false, time.Minute, time.Minute},
	} {
		t.Run(sentence, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				c.drain.wait(t.Context(), c.asked, after(c.idle))
				if took := time.Since(start); took != c.want {
					t.Errorf("waited %s, want %s", took, c.want)
				}
			})
		})
	}
}
