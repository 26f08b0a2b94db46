package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"

	"outrigger.dev/outrigger/test/controlplane"
	"outrigger.dev/outrigger/test/e2e/injector"
)

// A result is what a phase was like.
type result struct {
	phase string
	took  time.Duration
	// creations are how long each took, as the clients saw it, shortest first.
	creations []time.Duration
	// webhook is how long calls took, as the API server saw it.
	webhook histogram
	// cpu is what the server had of the cores, in seconds; resident its memory at
	// the end, in bytes; recalled how many answers it had ready.
	cpu, resident, recalled float64
}

func (r result) perSecond() float64 { return float64(len(r.creations)) / r.took.Seconds() }

// created is the time that a share of the creations did not exceed.
func (r result) created(share float64) string {
	i := min(int(share*float64(len(r.creations))), len(r.creations)-1)
	return ms(r.creations[i].Seconds())
}

// run creates and deletes pods in a namespace of its own. There is no server
// where it is nil.
func (p phase) run(ctx context.Context, cluster *controlplane.ControlPlane, server *injector.Injector,
	namespace string, clients int, length time.Duration) (result, error) {
	if err := p.prepare(ctx, cluster.Client(), namespace); err != nil {
		return result{}, err
	}
	before, err := read(ctx, cluster, server)
	if err != nil {
		return result{}, err
	}
	config := cluster.Config()
	config.QPS = -1 // as fast as it goes
	began := time.Now()
	stop, cancel := context.WithTimeout(ctx, length)
	defer cancel()
	r := result{phase: p.name}
	var mu sync.Mutex
	var all sync.WaitGroup
	var failed error
	for i := range clients {
		client, err := kubernetes.NewForConfig(config)
		if err != nil {
			return r, err
		}
		all.Go(func() {
			took, err := p.client(ctx, stop, client.CoreV1().Pods(namespace), i)
			mu.Lock()
			defer mu.Unlock()
			r.creations = append(r.creations, took...)
			if err != nil {
				failed = err
				cancel()
			}
		})
	}
	all.Wait()
	r.took = time.Since(began)
	slices.Sort(r.creations)
	if failed != nil || len(r.creations) == 0 {
		return r, fmt.Errorf("%d pods were created, and then: %w", len(r.creations), failed)
	}
	after, err := read(ctx, cluster, server)
	if err != nil {
		return r, err
	}
	r.webhook = after.webhook.since(before.webhook)
	r.cpu, r.resident, r.recalled = after.cpu-before.cpu, after.resident, after.recalled-before.recalled
	return r, nil
}

// prepare makes the namespace and returns when pods are taken there, and injected
// if they are to be.
func (p phase) prepare(ctx context.Context, client kubernetes.Interface, namespace string) error {
	_, err := client.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{
		ObjectMeta: metav1.ObjectMeta{Name: namespace, Labels: p.labels},
	}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	want := p.installed && p.labels != nil
	for {
		pod, err := client.CoreV1().Pods(namespace).Create(ctx, p.pod(0, 0), metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		if err == nil && want == (len(pod.Spec.InitContainers) > 0) {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("namespace %q: pods are not as wanted: %w (%w)", namespace, ctx.Err(), err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// client creates and deletes pods until stop ends, and says how long each
// creation took.
func (p phase) client(ctx, stop context.Context, pods typedcorev1.PodInterface, number int) ([]time.Duration, error) {
	var took []time.Duration
	for n := 1; stop.Err() == nil; n++ {
		began := time.Now()
		pod, err := pods.Create(ctx, p.pod(number, n), metav1.CreateOptions{})
		if err != nil {
			return took, err
		}
		took = append(took, time.Since(began))
		now := int64(0)
		err = pods.Delete(ctx, pod.Name, metav1.DeleteOptions{GracePeriodSeconds: &now})
		if err != nil && !apierrors.IsNotFound(err) {
			return took, err
		}
	}
	return took, nil
}

// pod is what a Deployment would make, but that nobody schedules it.
func (p phase) pod(client, n int) *corev1.Pod {
	name := "web"
	if p.unlike {
		name = fmt.Sprintf("web-%d-%d", client, n)
	}
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{GenerateName: name + "-6d4cf56db6-", Labels: map[string]string{"app": name, "pod-template-hash": "6d4cf56db6"}},
		Spec: corev1.PodSpec{
			Containers:      []corev1.Container{{Name: "web", Image: "example.com/web:1", Ports: []corev1.ContainerPort{{ContainerPort: 8080}}}},
			SchedulingGates: []corev1.PodSchedulingGate{{Name: "example.com/never"}},
		},
	}
}
