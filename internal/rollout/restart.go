package rollout

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
)

// RestartedAt is the annotation of a template that "kubectl rollout restart" writes, too.
const RestartedAt = "kubectl.kubernetes.io/restartedAt"

// A Restarter restarts workloads. Fields are set before it is used.
type Restarter struct {
	Client kubernetes.Interface
	// Differs says in what a pod as the API server would create it is not what it is to
	// be, "" for nothing; and whether that is so because the server that injected it does
	// not yet have the configuration that there is. Nil: it is not asked.
	Differs func(ctx context.Context, pod *corev1.Pod) (why string, lags bool, err error)
	// Settle is how long a plan waits for a server that lags behind.
	Settle time.Duration
	// Timeout bounds the time that one workload takes, the wait for budgets included.
	Timeout time.Duration
	// Every is from one look at something that is waited for to the next.
	Every time.Duration
	// Parallel is in how many namespaces at a time workloads are restarted; in each it
	// is one at a time.
	Parallel int
	// Tell is told what happens, by one goroutine at a time.
	Tell func(Event)

	mu sync.Mutex
}

// An Event is something that happens to a workload.
type Event struct {
	// State is "waiting" or "restarted".
	State  string
	Target Target
	// Detail is what is waited for.
	Detail string
}

func (r *Restarter) tell(e Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Tell(e)
}

// An Outcome is how far a run has come.
type Outcome struct {
	Done, Left []Target
	// Failed is by target, in the order of the targets.
	Failed []Failure
}

// A Failure is a target that was not restarted, or whose rollout did not complete.
type Failure struct {
	Target Target
	Err    error
}

// Run restarts targets: one at a time in a namespace, each when budgets allow it and the
// dry run has been made once more, and waits for each until its rollout is complete. It
// starts nothing more once one has failed.
func (r *Restarter) Run(ctx context.Context, targets []Target) Outcome {
	queues := byNamespace(targets)
	results := map[Target]error{}
	var mu sync.Mutex
	var wait sync.WaitGroup
	slots := make(chan struct{}, max(r.Parallel, 1))
	failed := false
	stopped := func() bool {
		mu.Lock()
		defer mu.Unlock()
		return failed || ctx.Err() != nil
	}
	for _, queue := range queues {
		slots <- struct{}{}
		wait.Go(func() {
			defer func() { <-slots }()
			for _, t := range queue {
				if stopped() {
					return
				}
				err := r.restart(ctx, t)
				mu.Lock()
				results[t], failed = err, failed || err != nil
				mu.Unlock()
			}
		})
	}
	wait.Wait()
	var o Outcome
	for _, t := range targets {
		switch err, tried := results[t]; {
		case !tried:
			o.Left = append(o.Left, t)
		case err != nil:
			o.Failed = append(o.Failed, Failure{t, err})
		default:
			o.Done = append(o.Done, t)
		}
	}
	return o
}

// byNamespace are the targets of each namespace, in their order.
func byNamespace(targets []Target) [][]Target {
	var queues [][]Target
	for _, t := range targets {
		at := slices.IndexFunc(queues, func(q []Target) bool { return q[0].Namespace == t.Namespace })
		if at < 0 {
			queues = append(queues, []Target{t})
			continue
		}
		queues[at] = append(queues[at], t)
	}
	return queues
}

// restart restarts one, and waits.
func (r *Restarter) restart(ctx context.Context, t Target) error {
	ctx, cancel := context.WithTimeout(ctx, r.Timeout)
	defer cancel()
	w, err := r.read(ctx, t)
	switch {
	case err != nil:
		return err
	case w.leave != "":
		return fmt.Errorf("%s by now", w.leave)
	}
	err = r.until(ctx, t, "not started", func(ctx context.Context) (string, error) {
		budgets, err := r.budgets(ctx, t.Namespace, labels.Set(w.template.Labels))
		return blocking(budgets, w.down), err
	})
	if err != nil {
		return err
	}
	if err := r.prove(ctx, t, w); err != nil {
		return fmt.Errorf("not started: %w", err)
	}
	if err := r.touch(ctx, t); err != nil {
		return fmt.Errorf("not started: %w", err)
	}
	err = r.until(ctx, t, "its rollout is not complete", func(ctx context.Context) (string, error) {
		w, err := r.read(ctx, t)
		if err != nil {
			return "", err
		}
		tree, err := asTree(w.object)
		if err != nil {
			return "", err
		}
		return Waiting(ctx, r.Client, tree)
	})
	if err == nil {
		r.tell(Event{State: "restarted", Target: t})
	}
	return err
}

// touch writes the annotation that makes a template another one.
func (r *Restarter) touch(ctx context.Context, t Target) error {
	patch, err := json.Marshal(map[string]any{"spec": map[string]any{"template": map[string]any{"metadata": map[string]any{
		"annotations": map[string]string{RestartedAt: time.Now().Format(time.RFC3339)},
	}}}})
	if err != nil {
		return err
	}
	options := metav1.PatchOptions{FieldManager: "outrigger"}
	apps := r.Client.AppsV1()
	switch t.Kind {
	case "Deployment":
		_, err = apps.Deployments(t.Namespace).Patch(ctx, t.Name, types.StrategicMergePatchType, patch, options)
	case "StatefulSet":
		_, err = apps.StatefulSets(t.Namespace).Patch(ctx, t.Name, types.StrategicMergePatchType, patch, options)
	default:
		_, err = apps.DaemonSets(t.Namespace).Patch(ctx, t.Name, types.StrategicMergePatchType, patch, options)
	}
	return err
}
