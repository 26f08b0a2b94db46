package status_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"outrigger.dev/outrigger/charts"
	"outrigger.dev/outrigger/inject"
	"outrigger.dev/outrigger/internal/analyze"
	"outrigger.dev/outrigger/internal/dryrun"
	"outrigger.dev/outrigger/internal/status"
)

// config is a configuration that adds a container with such an image.
func config(image string) string {
	return fmt.Sprintf("policy: enabled\ncheckNamespace: true\ndefaultTemplates: [logs]\ntemplates: {logs: '{spec: {containers: [{name: logs, image: \"%s\"}]}}'}\n", image)
}

func newInjector(image string) *inject.Injector {
	_, values, mesh := charts.Default()
	in, err := inject.New(inject.Sources{Config: []byte(config(image)), Values: values, Mesh: mesh}, inject.Settings{})
	if err != nil {
		panic(err)
	}
	return in
}

// older and newer are configurations, one after the other.
var (
	older = sync.OnceValue(func() *inject.Injector { return newInjector("logs:1") })
	newer = sync.OnceValue(func() *inject.Injector { return newInjector("logs:2") })
)

// podOf is one of a ReplicaSet's of web, with whatever is changed before it is injected.
func podOf(n int, by *inject.Injector, change ...func(*corev1.Pod)) *corev1.Pod {
	pod := &corev1.Pod{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "shop", GenerateName: "web-6d5f-", Name: fmt.Sprintf("web-6d5f-%05d", n), Labels: map[string]string{"pod-template-hash": "6d5f"},
			OwnerReferences: []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: "web-6d5f", UID: "1", Controller: new(true)}},
		},
		Spec:   corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: "app:1"}}},
		Status: corev1.PodStatus{Phase: corev1.PodRunning},
	}
	for _, c := range change {
		c(pod)
	}
	if by == nil {
		return pod
	}
	raw, err := json.Marshal(pod)
	if err != nil {
		panic(err)
	}
	result, err := by.Inject(inject.Request{Pod: raw, Namespace: inject.Namespace{Name: "shop", Labels: enabled}})
	if err != nil || result.Decision.Verdict != inject.Inject {
		panic(fmt.Sprint(result.Decision, err))
	}
	injected := new(corev1.Pod)
	if err := json.Unmarshal(result.Pod(), injected); err != nil {
		panic(err)
	}
	return injected
}

var enabled = map[string]string{"istio-injection": "enabled"}

// alone is a pod of nobody's.
func alone(pod *corev1.Pod) { pod.OwnerReferences, pod.GenerateName, pod.Name = nil, "", "alone" }

// web is the Deployment of the pods.
func web(labels map[string]string) *appsv1.Deployment {
	return &appsv1.Deployment{
		TypeMeta: metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"}, ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web"},
		Spec: appsv1.DeploymentSpec{Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "app"}}}}},
	}
}

// sceneOf is a cluster with these objects, and the newer configuration.
func sceneOf(t *testing.T, namespace map[string]string, objects ...runtime.Object) *analyze.Scene {
	t.Helper()
	chart, err := dryrun.ChartWebhooks("default")
	if err != nil {
		t.Fatal(err)
	}
	scene := &analyze.Scene{
		Live: true, Injectors: []*inject.Injector{newer()}, Native: inject.Native{}.Everywhere,
		Webhooks: dryrun.Configurations{From: "live", Revision: "default", List: []admissionv1.MutatingWebhookConfiguration{chart}},
	}
	objects = append(objects, &corev1.Namespace{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Namespace"}, ObjectMeta: metav1.ObjectMeta{Name: "shop", Labels: namespace}})
	for _, o := range objects {
		raw, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		read, err := analyze.ReadObject(raw)
		if err != nil {
			t.Fatal(err)
		}
		scene.Objects = append(scene.Objects, read)
	}
	return scene
}

// text is a workload on a line: what a person would look for.
func text(w status.Workload) string {
	states := []string{}
	for state, n := range w.In {
		states = append(states, fmt.Sprintf("%d %s", n, state))
	}
	slices.Sort(states)
	out := fmt.Sprintf("%s %s (%s): %s", w, w.State, w.Reason, strings.Join(states, ", "))
	for _, d := range w.Differences {
		out += fmt.Sprintf("; %d: %s", d.Pods, d)
	}
	for _, i := range w.Injections {
		out += fmt.Sprintf("; %d by %s, %v", i.Pods, i.Revision, i.Templates)
	}
	return out + strings.Join(append([]string{""}, w.Faults...), "; ")
}

func TestOf(t *testing.T) {
	const image = `spec.containers[logs].image: "logs:1" -> "logs:2"`
	for name, c := range map[string]struct {
		namespace map[string]string
		objects   []runtime.Object
		want      []string
	}{
		"pods as new ones would be": {enabled, []runtime.Object{web(nil), podOf(1, newer()), podOf(2, newer())}, []string{
			"Deployment shop/web injected (policy): 2 injected; 2 by default, [logs]"}},
		"pods of another configuration": {enabled, []runtime.Object{web(nil), podOf(1, older()), podOf(2, newer())}, []string{
			"Deployment shop/web outdated (policy): 1 injected, 1 outdated; 1: " + image + "; 1 by default, [logs]; 1 by default, [logs]"}},
		"pods without a sidecar": {enabled, []runtime.Object{web(nil), podOf(1, older()), podOf(2, nil)}, []string{
			"Deployment shop/web missed (policy): 1 missed, 1 outdated; 1: " + image + "; 1 by default, [logs]"}},
		"pods that decline": {enabled, []runtime.Object{web(map[string]string{inject.InjectKey: "false"}), podOf(1, nil, func(p *corev1.Pod) { p.Labels[inject.InjectKey] = "false" })}, []string{
			"Deployment shop/web skipped (pod-label): 1 skipped"}},
		"pods of a namespace that asks for nothing": {nil, []runtime.Object{web(nil), podOf(1, nil)}, []string{
			"Deployment shop/web skipped (namespace-not-enabled): 1 skipped"}},
		"pods that would have no sidecar any more": {nil, []runtime.Object{web(nil), podOf(1, older())}, []string{
			"Deployment shop/web leftover (namespace-not-enabled): 1 leftover; 1 by default, [logs]"}},
		"pods that were labelled since they run": {enabled, []runtime.Object{web(nil), podOf(1, newer(), func(p *corev1.Pod) { p.Labels[inject.InjectKey] = "true" })}, []string{
			"Deployment shop/web injected (policy): 1 injected; 1 by default, [logs]"}},
		"pods that could not be created again": {enabled, []runtime.Object{
			&appsv1.Deployment{
				TypeMeta: metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"}, ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web"},
				Spec: appsv1.DeploymentSpec{Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{inject.TemplatesAnnotation: "none"}}}},
			}, podOf(1, newer())}, []string{"Deployment shop/web refused (unknown-template): 1 refused; 1 by default, [logs]"}},
		"pods whose record cannot be read": {enabled, []runtime.Object{web(nil), func() *corev1.Pod {
			p := podOf(1, newer())
			p.Annotations[inject.RecordAnnotation] = "{"
			return p
		}()}, []string{"Deployment shop/web outdated (policy): 1 outdated; 1 by default, []; annotation outrigger.dev/injection: unexpected EOF"}},
		"a workload without pods": {enabled, []runtime.Object{web(nil)}, []string{"Deployment shop/web injected (policy): "}},
		"a Job that has ended": {enabled, []runtime.Object{&batchv1.Job{
			TypeMeta: metav1.TypeMeta{APIVersion: "batch/v1", Kind: "Job"}, ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "once"},
		}}, nil},
		"pods that have ended, or are about to": {enabled, []runtime.Object{web(nil),
			podOf(1, nil, func(p *corev1.Pod) { p.Status.Phase = corev1.PodSucceeded }),
			podOf(2, nil, func(p *corev1.Pod) { p.DeletionTimestamp = new(metav1.Now()) })}, []string{"Deployment shop/web injected (policy): "}},
		"a pod of nobody's, and workloads of a kind of others": {enabled, []runtime.Object{podOf(1, newer(), alone), podOf(2, older())}, []string{
			"Deployment shop/web outdated (policy): 1 outdated; 1: " + image + "; 1 by default, [logs]",
			"Pod shop/alone injected (policy): 1 injected; 1 by default, [logs]"}},
	} {
		t.Run(name, func(t *testing.T) {
			all, err := status.Of(t.Context(), sceneOf(t, c.namespace, c.objects...))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, w := range all {
				got = append(got, text(w))
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// Where it is not known what new pods would be, none that there is counts as outdated.
func TestOfWithoutNodes(t *testing.T) {
	scene := sceneOf(t, enabled, web(nil), podOf(1, older()))
	scene.Unseen = []analyze.Unseen{{Resource: "nodes", Err: fmt.Errorf("forbidden")}}
	all, err := status.Of(t.Context(), scene)
	if err != nil || len(all) != 1 || all[0].State != status.Injected || len(all[0].Differences) > 0 {
		t.Errorf("%+v, %v", all, err)
	}
}
