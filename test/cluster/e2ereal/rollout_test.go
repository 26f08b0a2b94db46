package e2ereal_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"outrigger.dev/outrigger/test/cluster/outrigger"
)

// Whatever happens to Outrigger's own pods in good order, pods are created meanwhile, and each
// has its sidecar: the webhook's failurePolicy is Fail, so that a call which is lost shows.
// These run alone: other tests create pods, too.
func TestNoCreateFailsWhile(t *testing.T) {
	c := real(t)
	for sentence, happen := range map[string]func(*testing.T){
		"Outrigger is rolled out": func(t *testing.T) {
			injector(t, "rollout", "restart", "deployment/outrigger-injector")
			injector(t, "rollout", "status", "deployment/outrigger-injector", "--timeout=4m")
			awaitInjectors(t)
		},
		"one of its pods is deleted": func(t *testing.T) {
			injector(t, "delete", "pod", injectorPods(t)[0].Name, "--timeout=3m")
			awaitInjectors(t)
		},
		"the kubelet is restarted": func(t *testing.T) {
			if err := c.RestartKubelet(within(t)); err != nil {
				t.Fatal(err)
			}
			// The kubelet may have the pods start over in its books; it has looked at all
			// of them when one more has been run.
			s := newSpace(t)
			s.peer(t)
			awaitInjectors(t)
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			creating := startCreating(t)
			happen(t)
			made, failed := creating.stop()
			t.Logf("%d pods created, %d creates failed", made, len(failed))
			if made == 0 {
				t.Error("no pod was created, which proves nothing")
			}
			for _, err := range failed {
				t.Error(err)
			}
		})
	}
}

// A pod that is killed outright cannot say goodbye: what is lost until the API server hears
// of it is counted.
func TestCreatesAfterAKill(t *testing.T) {
	for sentence, happen := range map[string]func(*testing.T, *corev1.Pod){
		"of its process": func(t *testing.T, pod *corev1.Pod) {
			pid, err := strconv.Atoi(processOf(t, pod, "injector").pid)
			if err != nil {
				t.Fatal(err)
			}
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			before := status(pod, "injector").RestartCount
			space{outrigger.Namespace}.await(t, pod.Name, func(pod *corev1.Pod) error {
				if status(pod, "injector").RestartCount == before {
					return errors.New("the kubelet has not started it again")
				}
				return nil
			})
		},
		"by force, without a grace period": func(t *testing.T, pod *corev1.Pod) {
			injector(t, "delete", "pod", pod.Name, "--force", "--grace-period=0")
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			// Both, since the API server keeps a connection to one: it has to go to the other
			// then, which makes that the one to kill.
			for _, pod := range injectorPods(t) {
				creating := startCreating(t)
				happen(t, &pod)
				awaitInjectors(t)
				made, failed := creating.stop()
				t.Logf("%s: %d pods created, %d creates failed", pod.Name, made, len(failed))
				for _, err := range failed {
					t.Log(err)
				}
				if made == 0 {
					t.Error("no pod was created, not even by the replica that was left")
				}
			}
		})
	}
}

// injector runs kubectl in Outrigger's own namespace.
func injector(t *testing.T, args ...string) {
	t.Helper()
	kubectl(t, append(args, "--namespace="+outrigger.Namespace)...)
}

// injectorPods are the pods of the first installation that are not about to go.
func injectorPods(t *testing.T) []corev1.Pod {
	t.Helper()
	pods, err := real(t).Client().CoreV1().Pods(outrigger.Namespace).List(within(t),
		metav1.ListOptions{LabelSelector: metav1.FormatLabelSelector(injectors(t).Spec.Selector)})
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(pods.Items, func(pod corev1.Pod) bool { return pod.DeletionTimestamp != nil })
}

// injectors is the first installation's Deployment.
func injectors(t *testing.T) *appsv1.Deployment {
	t.Helper()
	deployment, err := real(t).Client().AppsV1().Deployments(outrigger.Namespace).Get(within(t), "outrigger-injector", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return deployment
}

// awaitInjectors returns when two replicas are ready, and nothing is left of those before them.
func awaitInjectors(t *testing.T) {
	t.Helper()
	eventually(t, func() error {
		deployment := injectors(t)
		if s := deployment.Status; s.ObservedGeneration != deployment.Generation || s.UpdatedReplicas != 2 || s.ReadyReplicas != 2 || s.Replicas != 2 {
			return fmt.Errorf("deployment outrigger-injector: %+v, want two replicas that are ready", s)
		}
		pods := injectorPods(t)
		if len(pods) != 2 {
			return fmt.Errorf("%d pods of outrigger-injector, want 2", len(pods))
		}
		for _, pod := range pods {
			if s := status(&pod, "injector"); s == nil || !s.Ready {
				return fmt.Errorf("pod %q: not ready", pod.Name)
			}
		}
		return nil
	})
}

// creating creates pods, one after the other, until it is told to stop.
type creating struct {
	stopping context.CancelFunc
	done     sync.WaitGroup
	made     int
	failed   []error
}

// The pace, and an end in case that nobody says so.
const (
	pace    = 50 * time.Millisecond
	creates = 6000
)

// startCreating starts to create pods that no scheduler takes, in a namespace of their own,
// and returns when the first was created.
func startCreating(t *testing.T) *creating {
	t.Helper()
	s := newSpace(t)
	c := &creating{}
	ctx, cancel := context.WithCancel(t.Context())
	c.stopping = cancel
	t.Cleanup(func() { c.stop() })
	if err := s.create(ctx, t); err != nil {
		t.Fatal(err)
	}
	c.done.Go(func() {
		tick := time.NewTicker(pace)
		defer tick.Stop()
		for range creates {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
			// Not ctx: the last one is finished, too.
			if err := s.create(context.WithoutCancel(ctx), t); err != nil {
				c.failed = append(c.failed, fmt.Errorf("%s: %w", time.Now().Format("15:04:05.000"), err))
			} else {
				c.made++
			}
		}
	})
	return c
}

// stop returns how many pods were created, and why others were not.
func (c *creating) stop() (made int, failed []error) {
	c.stopping()
	c.done.Wait()
	return c.made, c.failed
}

// create creates a pod, which must have its sidecar.
func (s space) create(ctx context.Context, t *testing.T) error {
	pod, err := real(t).Client().CoreV1().Pods(s.name).Create(ctx, &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "pod-"},
		Spec: corev1.PodSpec{
			SchedulerName: "nobody",
			Containers:    []corev1.Container{{Name: "web", Image: outrigger.AppImage}},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	for _, c := range pod.Spec.InitContainers {
		if c.Name == "istio-proxy" {
			return nil
		}
	}
	return fmt.Errorf("pod %q: created without a sidecar", pod.Name)
}
