package rollout_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"

	"outrigger.dev/outrigger/inject"
	"outrigger.dev/outrigger/internal/rollout"
)

// crashing is a pod of web's whose sidecar does not run.
var crashing = &corev1.Pod{
	ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web-1", Labels: map[string]string{"app": "web"}},
	Status: corev1.PodStatus{
		InitContainerStatuses: []corev1.ContainerStatus{{Name: "istio-proxy", State: corev1.ContainerState{
			Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff", Message: "back-off restarting failed container=istio-proxy"},
		}}},
		ContainerStatuses: []corev1.ContainerStatus{{Name: "app", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "PodInitializing"}}}},
	},
}

// uncounted is a budget as it is where its pods have no scale.
var uncounted = &policyv1.PodDisruptionBudget{
	ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web", Generation: 1},
	Spec:       policyv1.PodDisruptionBudgetSpec{Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}}},
	Status: policyv1.PodDisruptionBudgetStatus{Conditions: []metav1.Condition{{
		Type: policyv1.DisruptionAllowedCondition, Status: metav1.ConditionFalse, Reason: policyv1.SyncFailedReason, Message: `found no controllers for pod "web-1"`,
	}}},
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
		"one whose rollout goes on":    {target: target("Deployment", "web"), objects: []runtime.Object{web(func(d *appsv1.Deployment) { d.Status.UpdatedReplicas = 1 })}, leave: "its last rollout is not complete (Updated: 1/4)"},
		"one whose rollout has failed": {target: target("Deployment", "web"), objects: []runtime.Object{web(func(d *appsv1.Deployment) { d.Status.Conditions[1].Reason = "ProgressDeadlineExceeded" }), crashing}, leave: "its last rollout has failed (Progress deadline exceeded: pod web-1: CrashLoopBackOff: back-off restarting failed container=istio-proxy)"},
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
		"a budget that cannot be counted": {target: target("Deployment", "web"), objects: []runtime.Object{web(), uncounted}, leave: `PodDisruptionBudget shop/web cannot be counted and allows nothing: found no controllers for pod "web-1"`},
		"a budget of others":              {target: target("Deployment", "web"), objects: []runtime.Object{web(func(d *appsv1.Deployment) { d.Spec.Template.Labels["app"] = "other" }), budget(0)}},
		"a StatefulSet on delete": {target: target("StatefulSet", "db"), objects: []runtime.Object{&appsv1.StatefulSet{
			ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "db"}, Spec: appsv1.StatefulSetSpec{UpdateStrategy: appsv1.StatefulSetUpdateStrategy{Type: appsv1.OnDeleteStatefulSetStrategyType}},
		}}, leave: "its update strategy is OnDelete, so that a restart would replace none of its pods"},
		"a StatefulSet with a partition": {target: target("StatefulSet", "db"), objects: []runtime.Object{&appsv1.StatefulSet{
			ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "db"}, Spec: appsv1.StatefulSetSpec{UpdateStrategy: appsv1.StatefulSetUpdateStrategy{
				RollingUpdate: &appsv1.RollingUpdateStatefulSetStrategy{Partition: new(int32(2))},
			}},
		}}, leave: "its partition keeps pods with an ordinal below 2 as they are"},
		"a DaemonSet on delete": {target: target("DaemonSet", "agent"), objects: []runtime.Object{&appsv1.DaemonSet{
			ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "agent"}, Spec: appsv1.DaemonSetSpec{UpdateStrategy: appsv1.DaemonSetUpdateStrategy{Type: appsv1.OnDeleteDaemonSetStrategyType}},
		}}, leave: "its update strategy is OnDelete, so that a restart would replace none of its pods"},
		"a pod of nobody's":      {target: rollout.Target{APIVersion: "v1", Kind: "Pod", Namespace: "shop", Name: "alone"}, leave: "nothing makes it anew"},
		"a Job":                  {target: rollout.Target{APIVersion: "batch/v1", Kind: "Job", Namespace: "shop", Name: "once"}, leave: "it runs to its end"},
		"another's Job":          {target: rollout.Target{APIVersion: "batch.volcano.sh/v1alpha1", Kind: "Job", Namespace: "shop", Name: "once"}, leave: "its controller is none of Kubernetes' own"},
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
