package soak

import (
	"context"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"

	"outrigger.dev/outrigger/test/cluster/outrigger"
)

// inFlight is how many pods may be on their way at a time. At the pace of a run there are few;
// where calls hang there are as many as the pace makes of them.
const inFlight = 400

// load creates pods until it is stopped.
type load struct {
	stopping context.CancelFunc
	done     sync.WaitGroup
}

// startLoad creates a pod at each tick, whether or not those before have been answered.
func (r *run) startLoad(ctx context.Context) *load {
	ticking, stop := context.WithCancel(ctx)
	l := &load{stopping: stop}
	pods := r.client.CoreV1().Pods(r.revision)
	places := make(chan struct{}, inFlight)
	began := time.Now()
	l.done.Go(func() {
		tick := time.NewTicker(time.Second / time.Duration(r.options.Rate))
		defer tick.Stop()
		var all sync.WaitGroup
		for ticking.Err() == nil {
			select {
			case <-ticking.Done():
				continue
			case <-tick.C:
			}
			places <- struct{}{}
			all.Go(func() {
				r.report.pod(createAndDelete(context.WithoutCancel(ctx), pods))
				<-places
			})
		}
		all.Wait() // the last ones are finished, too
		r.report.Took = time.Since(began)
	})
	return l
}

func (l *load) stop() {
	l.stopping()
	l.done.Wait()
}

// A pod is what became of one.
type pod struct {
	at   time.Time
	took time.Duration // to be created
	err  error
	// bare says that it was created without a sidecar.
	bare bool
	// lingers is why it could not be deleted.
	lingers error
}

// createAndDelete creates a pod that no scheduler takes, and deletes it.
func createAndDelete(ctx context.Context, pods typedcorev1.PodInterface) pod {
	p := pod{at: time.Now()}
	made, err := pods.Create(ctx, &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "pod-"},
		Spec: corev1.PodSpec{
			SchedulerName: "nobody",
			Containers:    []corev1.Container{{Name: "web", Image: outrigger.AppImage}},
		},
	}, metav1.CreateOptions{})
	p.took = time.Since(p.at)
	if err != nil {
		p.err = err
		return p
	}
	p.bare = !hasSidecar(made)
	now := int64(0)
	err = pods.Delete(ctx, made.Name, metav1.DeleteOptions{GracePeriodSeconds: &now})
	if err != nil && !apierrors.IsNotFound(err) {
		p.lingers = fmt.Errorf("pod %q: %w", made.Name, err)
	}
	return p
}

func hasSidecar(pod *corev1.Pod) bool {
	for _, c := range append(pod.Spec.InitContainers, pod.Spec.Containers...) {
		if c.Name == "istio-proxy" {
			return true
		}
	}
	return false
}
