package agent

import (
	"context"
	"time"
)

// Drain is how the agent ends when it is told to. It serves on meanwhile:
//
//	what is set                            | it ends
//	EXIT_ON_ZERO_ACTIVE_CONNECTIONS        | when Minimum has passed and no connection is open
//	nothing, after a POST to /drain        | when no connection is open, at the latest after Termination
//	nothing                                | after Termination
//
// The second row is where the stand-in is quicker than Istio's agent, which waits
// for all of Termination: a native sidecar's hook asks for the drain when the pod
// is deleted, and the kubelet stops the sidecar when the application has gone.
type Drain struct {
	ExitOnZero           bool
	Minimum, Termination time.Duration
}

// wait returns when the agent may end. idle returns when no connection is open.
// Who will not wait any longer ends ctx.
func (d Drain) wait(ctx context.Context, asked bool, idle func(context.Context) error) {
	if d.ExitOnZero {
		pause(ctx, d.Minimum)
		idle(ctx)
		return
	}
	ctx, cancel := context.WithTimeout(ctx, d.Termination)
	defer cancel()
	if asked {
		idle(ctx)
		return
	}
	<-ctx.Done()
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
