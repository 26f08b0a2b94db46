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

// TestPlan says which workloads are left alone, and why.
func TestPlan(t *testing.T) {
	for name, c := range map[string]struct {
		target              rollout.Target
		objects             []runtime.Object
		leave, blocked, err string
	}{
		"a Deployment":                 {target: target("Deployment", "web"), objects: []runtime.Object{web()}},
		"one that is paused":           {target: target("Deployment", "web"), objects: []runtime.Object{web(func(d *appsv1.Deployment) { d.Spec.Paused = true })}, leave: "it is paused"},
		"one whose rollout goes on":    {target: target("Deployment", "web"), objects: []runtime.Object{web(func(d *appsv1.Deployment) { d.Status.UpdatedReplicas = 1 })}, leave: "its last rollout is not complete"},
		"one that is gone":             {target: target("Deployment", "web"), err: `Deployment shop/web: deployments.apps "web" not found`},
		"one with a budget":            {target: target("Deployment", "web"), objects: []runtime.Object{web(), budget(2)}},
		"one whose budget allows less": {target: target("Deployment", "web"), objects: []runtime.Object{web(), budget(1)}, blocked: "PodDisruptionBudget shop/web allows 1 disruptions, and the rollout takes 2 at a time (4 of 4 pods are healthy, 3 have to be)"},
		"one that is recreated takes all at a time": {
			target: target("Deployment", "web"),
			objects: []runtime.Object{web(func(d *appsv1.Deployment) {
				d.Spec.Strategy = appsv1.DeploymentStrategy{Type: appsv1.RecreateDeploymentStrategyType}
			}), budget(2)},
			blocked: "PodDisruptionBudget shop/web allows 2 disruptions, and the rollout takes 4 at a time (4 of 4 pods are healthy, 3 have to be)",
		},
		"a budget of others": {target: target("Deployment", "web"), objects: []runtime.Object{web(func(d *appsv1.Deployment) { d.Spec.Template.Labels["app"] = "other" }), budget(0)}},
		"a StatefulSet on delete": {target: target("StatefulSet", "db"), objects: []runtime.Object{&appsv1.StatefulSet{
			ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "db"}, Spec: appsv1.StatefulSetSpec{UpdateStrategy: appsv1.StatefulSetUpdateStrategy{Type: appsv1.OnDeleteStatefulSetStrategyType}},
		}}, leave: "its strategy is OnDelete"},
		"a StatefulSet with a partition": {target: target("StatefulSet", "db"), objects: []runtime.Object{&appsv1.StatefulSet{
			ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "db"}, Spec: appsv1.StatefulSetSpec{UpdateStrategy: appsv1.StatefulSetUpdateStrategy{
				RollingUpdate: &appsv1.RollingUpdateStatefulSetStrategy{Partition: new(int32(2))},
			}},
		}}, leave: "its partition keeps the first 2 pods as they are"},
		"a DaemonSet on delete": {target: target("DaemonSet", "agent"), objects: []runtime.Object{&appsv1.DaemonSet{
			ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "agent"}, Spec: appsv1.DaemonSetSpec{UpdateStrategy: appsv1.DaemonSetUpdateStrategy{Type: appsv1.OnDeleteDaemonSetStrategyType}},
		}}, leave: "its strategy is OnDelete"},
		"a pod of nobody's":      {target: rollout.Target{APIVersion: "v1", Kind: "Pod", Namespace: "shop", Name: "alone"}, leave: "nothing makes it anew"},
		"a Job":                  {target: rollout.Target{APIVersion: "batch/v1", Kind: "Job", Namespace: "shop", Name: "once"}, leave: "it runs to its end"},
		"one of another's kinds": {target: rollout.Target{APIVersion: "v1alpha1", Kind: "Rollout", Namespace: "shop", Name: "web"}, leave: "its controller is none of Kubernetes' own"},
	} {
		t.Run(name, func(t *testing.T) {
			steps, err := newRun(c.objects...).Plan(t.Context(), []rollout.Target{c.target})
			if c.err != "" {
				if err == nil || err.Error() != c.err {
					t.Errorf("%v, want %s", err, c.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := steps[0]; got.Leave != c.leave || got.Blocked != c.blocked || (got.Leave == "") != (got.Cure == "") {
				t.Errorf("leave %q (%s), blocked %q; want leave %q, blocked %q", got.Leave, got.Cure, got.Blocked, c.leave, c.blocked)
			}
		})
	}
}

// Pods that would miss their sidecar again, or differ again, are no reason to restart.
func TestPlanProves(t *testing.T) {
	r := newRun(web())
	r.client.PrependReactor("create", "pods", func(a clienttesting.Action) (bool, runtime.Object, error) {
		create := a.(clienttesting.CreateActionImpl)
		pod := create.GetObject().(*corev1.Pod)
		if len(create.CreateOptions.DryRun) != 1 || pod.OwnerReferences[0].Kind != "ReplicaSet" || inject.OwnerOf(pod).Name != "web" {
			t.Errorf("created %v of %v", create.CreateOptions, pod.OwnerReferences)
		}
		return true, pod, nil
	})
	steps, err := r.Plan(t.Context(), []rollout.Target{target("Deployment", "web")})
	if err != nil || steps[0].Leave != "a new pod would not be injected either" || steps[0].Cure != "outrigger explain deployment/web -n shop" {
		t.Errorf("%+v, %v", steps, err)
	}
	r = newRun(web())
	r.Differs = func(context.Context, *corev1.Pod) (string, bool, error) { return "the image", false, nil }
	steps, err = r.Plan(t.Context(), []rollout.Target{target("Deployment", "web")})
	if err != nil || steps[0].Leave != "a new pod would differ, too, as somebody changes it after injection: the image" {
		t.Errorf("%+v, %v", steps, err)
	}
}

// A server that has not yet got the configuration is waited for, for a while.
func TestPlanWaitsForTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, asked := newRun(web()), 0
		r.Settle = 10 * time.Second
		r.Differs = func(context.Context, *corev1.Pod) (string, bool, error) {
			asked++
			return map[bool]string{true: "the image"}[asked < 5], true, nil
		}
		steps, err := r.Plan(t.Context(), []rollout.Target{target("Deployment", "web")})
		if err != nil || steps[0].Leave != "" || asked != 5 {
			t.Errorf("%+v, %v, asked %d times", steps, err, asked)
		}
		asked = -100
		steps, err = r.Plan(t.Context(), []rollout.Target{target("Deployment", "web")})
		if err != nil || steps[0].Leave != "the server injects new pods by another configuration than there is: the image" {
			t.Errorf("%+v, %v", steps, err)
		}
	})
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
