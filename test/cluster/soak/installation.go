package soak

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"outrigger.dev/outrigger/test/cluster"
	"outrigger.dev/outrigger/test/cluster/outrigger"
)

// install installs a revision of two replicas, and makes a namespace that it injects.
func install(ctx context.Context, c *cluster.Cluster, revision string, o Options, values ...string) (*run, error) {
	client, err := kubernetes.NewForConfig(c.Config())
	if err != nil {
		return nil, err
	}
	r := &run{
		cluster: c, client: client, options: o, revision: revision,
		report: &Report{Rate: o.Rate, happened: map[string]int{}},
	}
	all := slices.Concat(outrigger.StandIn, []string{"revision=" + revision, "webhook.failurePolicy=Fail"}, values, o.Values)
	err = outrigger.Install(ctx, c, all...)
	if err == nil {
		err = errors.Join(r.makeNamespace(ctx), r.awaitReplicas(ctx))
	}
	if err != nil {
		r.uninstall()
		return nil, err
	}
	return r, nil
}

// uninstall takes everything away that a run has made.
func (r *run) uninstall() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	// What is left hurts nobody: the cluster goes, or the next run has another revision.
	_, _ = outrigger.Helm(ctx, r.cluster, "uninstall", outrigger.Release+"-"+r.revision, "--namespace", outrigger.Namespace)
	_ = r.client.CoreV1().Namespaces().Delete(ctx, r.revision, metav1.DeleteOptions{})
}

// makeNamespace returns when pods are injected in the namespace.
func (r *run) makeNamespace(ctx context.Context) error {
	_, err := r.client.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{
		ObjectMeta: metav1.ObjectMeta{Name: r.revision, Labels: map[string]string{"istio.io/rev": r.revision}},
	}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	return eventually(ctx, func(ctx context.Context) error {
		p := createAndDelete(ctx, r.client.CoreV1().Pods(r.revision))
		if p.bare {
			return fmt.Errorf("namespace %q: pods are not injected", r.revision)
		}
		return p.err
	})
}

// name is what the chart calls the installation's objects.
func (r *run) name() string { return "outrigger-injector-" + r.revision }

// deployment is the installation's.
func (r *run) deployment(ctx context.Context) (*appsv1.Deployment, error) {
	return r.client.AppsV1().Deployments(outrigger.Namespace).Get(ctx, r.name(), metav1.GetOptions{})
}

// replicas are the pods that are not about to go, the oldest first.
func (r *run) replicas(ctx context.Context) ([]corev1.Pod, error) {
	deployment, err := r.deployment(ctx)
	if err != nil {
		return nil, err
	}
	pods, err := r.client.CoreV1().Pods(outrigger.Namespace).List(ctx,
		metav1.ListOptions{LabelSelector: metav1.FormatLabelSelector(deployment.Spec.Selector)})
	if err != nil {
		return nil, err
	}
	left := slices.DeleteFunc(pods.Items, func(p corev1.Pod) bool { return p.DeletionTimestamp != nil })
	slices.SortFunc(left, func(a, b corev1.Pod) int { return a.CreationTimestamp.Compare(b.CreationTimestamp.Time) })
	return left, nil
}

// awaitReplicas returns when there are two, both of the newest kind and ready.
func (r *run) awaitReplicas(ctx context.Context) error {
	return eventually(ctx, func(ctx context.Context) error {
		deployment, err := r.deployment(ctx)
		if err != nil {
			return err
		}
		if s := deployment.Status; s.ObservedGeneration != deployment.Generation || s.UpdatedReplicas != 2 || s.ReadyReplicas != 2 || s.Replicas != 2 {
			return fmt.Errorf("deployment %q: %+v, want two replicas that are ready", r.name(), s)
		}
		pods, err := r.replicas(ctx)
		if err != nil {
			return err
		}
		if len(pods) != 2 {
			return fmt.Errorf("deployment %q: %d pods, want 2", r.name(), len(pods))
		}
		for _, pod := range pods {
			if !ready(&pod) {
				return fmt.Errorf("pod %q: not ready", pod.Name)
			}
		}
		return nil
	})
}

func ready(pod *corev1.Pod) bool {
	return slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}
