package soak

import (
	"context"
	"errors"
	"fmt"
	"time"

	"k8s.io/client-go/kubernetes"

	"outrigger.dev/outrigger/test/cluster"
)

// Options are how long a run takes and how much it asks for.
type Options struct {
	// Rate is how many pods are created a second.
	Rate int
	// For is how long, at least: a run ends when everything has happened that is to happen.
	For time.Duration
	// Values are more of the chart's, as Helm's --set takes them.
	Values []string
}

// A run is one installation, under load.
type run struct {
	cluster *cluster.Cluster
	client  kubernetes.Interface
	options Options
	// revision names the installation, and the namespace of the pods.
	revision string
	report   *Report
}

// A disturbance does something to an installation until ctx ends, but at least as often as it
// has to. done is called when it has. An error is about the installation not being what it
// should be then, or about the cluster.
type disturbance func(ctx context.Context, done func()) error

// SelfSigned soaks an installation whose authority is its own.
func SelfSigned(ctx context.Context, c *cluster.Cluster, o Options) (*Report, error) {
	r, err := install(ctx, c, "soak", o, "extraArgs={--leaf-life=15s}") // renewed after ten
	if err != nil {
		return nil, err
	}
	defer r.uninstall()
	return r.under(ctx, r.rotateAuthority, r.replaceReplicas, r.flipConfiguration, r.watchLeaves)
}

// Files soaks an installation whose certificate comes from a Secret.
func Files(ctx context.Context, c *cluster.Cluster, o Options) (*Report, error) {
	const revision = "soak-files"
	issuer, err := newIssuer(revision)
	if err != nil {
		return nil, err
	}
	if err := issuer.prepare(ctx, c); err != nil {
		return nil, err
	}
	r, err := install(ctx, c, revision, o, issuer.values()...)
	if err != nil {
		return nil, err
	}
	defer r.uninstall()
	return r.under(ctx, func(ctx context.Context, done func()) error { return r.writePairs(ctx, issuer, done) }, r.flipConfiguration)
}

// Killed kills the replicas of an installation, one after the other. [Options.For] is of no
// account.
func Killed(ctx context.Context, c *cluster.Cluster, o Options) (*Report, error) {
	r, err := install(ctx, c, "soak-killed", o)
	if err != nil {
		return nil, err
	}
	defer r.uninstall()
	r.options.For = 0
	return r.under(ctx, r.killReplicas)
}

// under creates pods while the disturbances do their work.
func (r *run) under(ctx context.Context, disturbances ...disturbance) (*Report, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	disturbing, enough := context.WithCancel(ctx)
	defer enough()
	load := r.startLoad(ctx)
	failed := make(chan error, len(disturbances))
	happened := make(chan struct{}, len(disturbances))
	for _, disturb := range disturbances {
		go func() {
			err := disturb(disturbing, func() { happened <- struct{}{} })
			if err != nil && disturbing.Err() == nil {
				cancel(err)
			}
			failed <- err
		}()
	}
	wait(ctx, r.options.For)
	for range disturbances {
		select {
		case <-happened:
		case <-ctx.Done():
		}
	}
	enough()
	for range disturbances {
		<-failed
	}
	load.stop()
	if ctx.Err() != nil {
		return r.report, fmt.Errorf("%s: %w", r.revision, context.Cause(ctx))
	}
	if r.report.Created == 0 {
		return r.report, errors.Join(fmt.Errorf("%s: no pod was created, which proves nothing", r.revision), errors.Join(r.report.errors()...))
	}
	return r.report, nil
}

// wait waits, unless ctx ends before, and says whether ctx goes on.
func wait(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// patience is how long anything may take to become so.
const patience = 4 * time.Minute

// eventually asks until there is no error any more, or ctx or the patience ends: the error is
// the last one then.
func eventually(ctx context.Context, ask func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		err := ask(ctx)
		if err == nil {
			return nil
		}
		if !wait(ctx, 200*time.Millisecond) {
			return err
		}
	}
}
