package rollout_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"outrigger.dev/outrigger/inject"
	"outrigger.dev/outrigger/internal/rollout"
)

// web is a Deployment whose rollout is complete.
func web(change ...func(*appsv1.Deployment)) *appsv1.Deployment {
	d := &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web", UID: "u", Generation: 1},
		Spec: appsv1.DeploymentSpec{
			Replicas: new(int32(4)), Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "web"}}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "app"}}}},
			Strategy: appsv1.DeploymentStrategy{Type: appsv1.RollingUpdateDeploymentStrategyType, RollingUpdate: &appsv1.RollingUpdateDeployment{MaxUnavailable: new(intstr.FromString("50%"))}},
		},
		Status: appsv1.DeploymentStatus{
			ObservedGeneration: 1, Replicas: 4, UpdatedReplicas: 4, ReadyReplicas: 4, AvailableReplicas: 4,
			Conditions: []appsv1.DeploymentCondition{
				{Type: appsv1.DeploymentAvailable, Status: corev1.ConditionTrue},
				{Type: appsv1.DeploymentProgressing, Status: corev1.ConditionTrue, Reason: "NewReplicaSetAvailable"},
			},
		},
	}
	for _, c := range change {
		c(d)
	}
	return d
}

// in moves a Deployment to a namespace, under another name.
func in(namespace, name string) func(*appsv1.Deployment) {
	return func(d *appsv1.Deployment) { d.Namespace, d.Name = namespace, name }
}

func target(kind, name string) rollout.Target {
	return rollout.Target{APIVersion: "apps/v1", Kind: kind, Namespace: "shop", Name: name}
}

// budget is one for the pods of web that allows so many disruptions.
func budget(allowed int32) *policyv1.PodDisruptionBudget {
	return &policyv1.PodDisruptionBudget{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web"},
		Spec:       policyv1.PodDisruptionBudgetSpec{Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}}},
		Status:     policyv1.PodDisruptionBudgetStatus{DisruptionsAllowed: allowed, CurrentHealthy: 4, DesiredHealthy: 3, ExpectedPods: 4},
	}
}

// A run is a restarter on a cluster that is played, and what it told.
type run struct {
	*rollout.Restarter
	client *fake.Clientset
	told   []string
}

// newRun plays a cluster that injects every pod.
func newRun(objects ...runtime.Object) *run {
	r := &run{client: fake.NewClientset(objects...)}
	r.client.PrependReactor("create", "pods", func(a clienttesting.Action) (bool, runtime.Object, error) {
		pod := a.(clienttesting.CreateAction).GetObject().(*corev1.Pod).DeepCopy()
		pod.Annotations = map[string]string{inject.StatusAnnotation: "{}"}
		return true, pod, nil
	})
	r.Restarter = &rollout.Restarter{
		Client: r.client, Timeout: time.Minute, Every: time.Second,
		Tell: func(e rollout.Event) {
			r.told = append(r.told, strings.TrimSpace(fmt.Sprintf("%s %s %s", e.State, e.Target, e.Detail)))
		},
	}
	return r
}

// complete has every rollout complete when it is begun, but for those that stuck names.
func (r *run) complete(stuck string) {
	r.client.PrependReactor("patch", "deployments", func(a clienttesting.Action) (bool, runtime.Object, error) {
		patch := a.(clienttesting.PatchAction)
		if !strings.Contains(string(patch.GetPatch()), `"kubectl.kubernetes.io/restartedAt":"`) {
			return true, nil, fmt.Errorf("patched with %s", patch.GetPatch())
		}
		if patch.GetName() != stuck {
			return true, web(in(patch.GetNamespace(), patch.GetName())), nil
		}
		d := web(in(patch.GetNamespace(), patch.GetName()))
		d.Status.Conditions[1].Reason = "ProgressDeadlineExceeded"
		return true, d, r.client.Tracker().Update(appsv1.SchemeGroupVersion.WithResource("deployments"), d, d.Namespace)
	})
}

func TestRun(t *testing.T) {
	a, b, c := target("Deployment", "a"), target("Deployment", "b"), target("Deployment", "c")
	objects := []runtime.Object{web(in("shop", "a")), web(in("shop", "b")), web(in("shop", "c"))}
	t.Run("all of them", func(t *testing.T) {
		r := newRun(objects...)
		r.complete("")
		o := r.Run(t.Context(), []rollout.Target{a, b, c})
		if diff := cmp.Diff(rollout.Outcome{Done: []rollout.Target{a, b, c}}, o); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]string{"restarted Deployment shop/a", "restarted Deployment shop/b", "restarted Deployment shop/c"}, r.told); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("until one fails", func(t *testing.T) {
		r := newRun(objects...)
		r.complete("b")
		o := r.Run(t.Context(), []rollout.Target{a, b, c})
		if len(o.Failed) != 1 || o.Failed[0].Target != b || !errors.Is(o.Failed[0].Err, rollout.ErrFailed) || !strings.HasSuffix(o.Failed[0].Err.Error(), "the rollout has failed: Progress deadline exceeded") {
			t.Fatalf("failed: %v", o.Failed)
		}
		if !cmp.Equal(o.Done, []rollout.Target{a}) || !cmp.Equal(o.Left, []rollout.Target{c}) {
			t.Errorf("done %v, left %v", o.Done, o.Left)
		}
	})
	t.Run("when budgets allow it", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := newRun(append(objects, budget(0))...)
			r.complete("")
			asked := 0
			r.client.PrependReactor("list", "poddisruptionbudgets", func(clienttesting.Action) (bool, runtime.Object, error) {
				asked++
				return true, &policyv1.PodDisruptionBudgetList{Items: []policyv1.PodDisruptionBudget{*budget(int32(asked))}}, nil
			})
			o := r.Run(t.Context(), []rollout.Target{a})
			if len(o.Done) != 1 || len(r.told) != 2 || !strings.HasPrefix(r.told[0], "waiting Deployment shop/a PodDisruptionBudget shop/web allows 1 disruptions, and the rollout takes 2 at a time") {
				t.Errorf("%+v, told %q", o, r.told)
			}
		})
	})
	t.Run("not when they never do", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := newRun(append(objects, budget(0))...)
			o := r.Run(t.Context(), []rollout.Target{a, b})
			if len(o.Failed) != 1 || len(o.Left) != 1 || !strings.HasPrefix(o.Failed[0].Err.Error(), "not started: not in time: PodDisruptionBudget shop/web allows 0 disruptions") {
				t.Errorf("%+v", o)
			}
		})
	})
	t.Run("nothing more when it is interrupted", func(t *testing.T) {
		r := newRun(objects...)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if o := r.Run(ctx, []rollout.Target{a, b}); len(o.Left) != 2 || len(o.Done)+len(o.Failed) > 0 {
			t.Errorf("%+v", o)
		}
	})
	t.Run("one at a time in a namespace, several namespaces", func(t *testing.T) {
		var all []rollout.Target
		var there []runtime.Object
		for _, namespace := range []string{"one", "two", "three"} {
			for _, name := range []string{"a", "b"} {
				all = append(all, rollout.Target{APIVersion: "apps/v1", Kind: "Deployment", Namespace: namespace, Name: name})
				there = append(there, web(in(namespace, name)))
			}
		}
		r := newRun(there...)
		r.complete("")
		r.Parallel = 2
		if o := r.Run(t.Context(), all); !cmp.Equal(o.Done, all) {
			t.Errorf("%+v", o)
		}
		for i, line := range r.told {
			if name := strings.TrimSuffix(line, "b"); name != line && !strings.Contains(strings.Join(r.told[:i], "\n"), name+"a") {
				t.Errorf("told %q", r.told)
			}
		}
	})
}
