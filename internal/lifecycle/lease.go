package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/rand"
)

// A lease keeps two from changing an installation at once. Whoever is killed leaves it
// behind, and it is anybody's after leaseSeconds; that it was left says that what is not
// finished in the release is nobody's work any more.
const (
	leaseName    = "outrigger-lifecycle"
	leaseSeconds = 10
)

// A lease that is held: it is renewed until release.
type lease struct {
	cluster *Cluster
	holder  string
	cancel  context.CancelCauseFunc
	done    chan struct{}
	// leftBehind is that the one before did not come to an end.
	leftBehind bool
}

// errBusy is that somebody else holds the lease.
var errBusy = errors.New("somebody else is changing the installations in this namespace")

// acquire takes the lease of our namespace, which has to exist; where somebody holds it,
// it waits until that one is done, or has been dead for leaseSeconds. The context that
// comes back ends with the lease.
func (c *Cluster) acquire(ctx context.Context, say func(string)) (context.Context, *lease, error) {
	host, _ := os.Hostname()
	l := &lease{cluster: c, holder: fmt.Sprintf("%s/%d/%s", host, os.Getpid(), rand.String(5)), done: make(chan struct{})}
	for told := false; ; {
		holder, err := l.try(ctx)
		if err == nil {
			break
		}
		if !errors.Is(err, errBusy) {
			return nil, nil, err
		}
		if !told {
			say(fmt.Sprintf("%v (%s): waiting until that is done", errBusy, holder))
			told = true
		}
		select {
		case <-ctx.Done():
			return nil, nil, fmt.Errorf("%w: %s", errBusy, holder)
		case <-time.After(time.Second):
		}
	}
	ctx, l.cancel = context.WithCancelCause(ctx)
	go l.keep(ctx)
	return ctx, l, nil
}

// try takes the lease if it is free or has run out.
func (l *lease) try(ctx context.Context) (holder string, err error) {
	leases := l.cluster.client.CoordinationV1().Leases(l.cluster.Namespace)
	live, err := leases.Get(ctx, leaseName, metav1.GetOptions{})
	now := metav1.NowMicro()
	spec := coordinationv1.LeaseSpec{HolderIdentity: &l.holder, LeaseDurationSeconds: new(int32(leaseSeconds)), AcquireTime: &now, RenewTime: &now}
	if apierrors.IsNotFound(err) {
		_, err = leases.Create(ctx, &coordinationv1.Lease{
			ObjectMeta: metav1.ObjectMeta{Name: leaseName, Labels: map[string]string{"app.kubernetes.io/part-of": "outrigger"}}, Spec: spec,
		}, metav1.CreateOptions{FieldManager: "outrigger"})
		if apierrors.IsAlreadyExists(err) {
			return "", errBusy
		}
		return "", err
	}
	if err != nil {
		return "", err
	}
	if live.Spec.HolderIdentity != nil {
		holder = *live.Spec.HolderIdentity
	}
	if live.Spec.RenewTime != nil && now.Sub(live.Spec.RenewTime.Time) < leaseSeconds*time.Second {
		return holder, errBusy
	}
	live.Spec = spec
	l.leftBehind = true
	if _, err = leases.Update(ctx, live, metav1.UpdateOptions{FieldManager: "outrigger"}); apierrors.IsConflict(err) {
		return holder, errBusy
	}
	return holder, err
}

// keep renews the lease until ctx ends. Where it is lost so is our right to go on.
func (l *lease) keep(ctx context.Context) {
	defer close(l.done)
	leases := l.cluster.client.CoordinationV1().Leases(l.cluster.Namespace)
	renewed := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(leaseSeconds * time.Second / 4):
		}
		live, err := leases.Get(ctx, leaseName, metav1.GetOptions{})
		if err == nil && (live.Spec.HolderIdentity == nil || *live.Spec.HolderIdentity != l.holder) {
			l.cancel(errBusy)
			return
		}
		if err == nil {
			live.Spec.RenewTime = new(metav1.NowMicro())
			_, err = leases.Update(ctx, live, metav1.UpdateOptions{FieldManager: "outrigger"})
		}
		switch {
		case err == nil:
			renewed = time.Now()
		case apierrors.IsNotFound(err):
			return // the namespace goes, and we with it
		case time.Since(renewed) > leaseSeconds*time.Second:
			l.cancel(fmt.Errorf("lease %s: %w", leaseName, err))
			return
		}
	}
}

// release gives the lease back.
func (l *lease) release() error {
	l.cancel(nil)
	<-l.done
	ctx, cancel := context.WithTimeout(context.Background(), leaseSeconds*time.Second)
	defer cancel()
	err := l.cluster.client.CoordinationV1().Leases(l.cluster.Namespace).Delete(ctx, leaseName, metav1.DeleteOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}
