package chart_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"outrigger.dev/outrigger/inject"
	"outrigger.dev/outrigger/internal/missing"
)

// namespaceLabels are what namespaces are labelled.
var namespaceLabels = []map[string]string{
	nil,
	{"istio-injection": "enabled"},
	{"istio-injection": "disabled"},
	{"istio-injection": ""},
	{"istio.io/rev": "own"},
	{"istio.io/rev": "prod"},
	{"istio.io/rev": "default"},
	{"istio.io/rev": "other"},
	{"istio-injection": "enabled", "istio.io/rev": "own"},
	{"istio-injection": "disabled", "istio.io/rev": "own"},
}

// newNamespaces makes namespaces with these labels, each with the ServiceAccount that
// pods need.
func newNamespaces(t *testing.T, labels ...map[string]string) (all []*corev1.Namespace) {
	t.Helper()
	for _, set := range labels {
		ctx := within(t)
		ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: set[corev1.LabelMetadataName], Labels: set}}
		if ns.Name == "" {
			ns.GenerateName = "missing-"
		}
		ns, err := cluster.Client().CoreV1().Namespaces().Create(ctx, ns, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { kubectl(t, "delete", "namespace", ns.Name, "--wait=false") })
		account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "default"}}
		if _, err := cluster.Client().CoreV1().ServiceAccounts(ns.Name).Create(ctx, account, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
			t.Fatal(err)
		}
		all = append(all, ns)
	}
	return all
}

// A comparison is one pod of one namespace: why it should have a sidecar, and why the
// policy refused it, or "".
type comparison struct {
	namespace *corev1.Namespace
	pod       string
	want, got string
}

// sampled is how many pods of all shapes are tried in each namespace.
const sampled = 25

// compare tries every combination of labels in every namespace, and a sample of the rest.
func compare(t *testing.T, namespaces []*corev1.Namespace, judge missing.Judge) (all []comparison) {
	t.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	var mu sync.Mutex
	var asking sync.WaitGroup
	places := make(chan struct{}, 8)
	ask := func(ns *corev1.Namespace, title string, pod *corev1.Pod) {
		places <- struct{}{}
		asking.Go(func() {
			defer func() { <-places }()
			c := comparison{namespace: ns, pod: title, got: refusal(t, ns.Name, pod)}
			if found, due := judge.Look(pod, inject.Namespace{Name: ns.Name, Labels: ns.Labels}); due && !found.Allowed {
				c.want = string(found.Reason)
			}
			mu.Lock()
			defer mu.Unlock()
			all = append(all, c)
		})
	}
	for _, ns := range namespaces {
		every := labelSets()
		for _, labels := range every {
			ask(ns, fmt.Sprint(labels), probe(labels))
		}
		for range sampled {
			labels, shape := every[random.IntN(len(every))], shapes[random.IntN(len(shapes))]
			pod := probe(maps.Clone(labels))
			shape.change(pod)
			ask(ns, fmt.Sprintf("%v, %s", labels, shape.name), pod)
		}
	}
	asking.Wait()
	return all
}

// labelSets are the combinations of labels that somebody looks at.
func labelSets() (all []map[string]string) {
	for _, asks := range []string{"-", "true", "false", "yes", ""} {
		for _, revision := range []string{"-", "own", "default", "other"} {
			for _, app := range []string{"-", "batch", "web"} {
				labels := map[string]string{"tier": "back"}
				for key, value := range map[string]string{inject.InjectKey: asks, inject.RevisionLabel: revision, "app": app} {
					if value != "-" {
						labels[key] = value
					}
				}
				if asks == "yes" {
					delete(labels, "tier")
				}
				all = append(all, labels)
			}
		}
	}
	return all
}

// shapes are what a pod may be besides its labels.
var shapes = []struct {
	name   string
	change func(*corev1.Pod)
}{
	{"on the host's network", func(pod *corev1.Pod) { pod.Spec.HostNetwork = true }},
	{"for Windows", func(pod *corev1.Pod) { pod.Spec.OS = &corev1.PodOS{Name: corev1.Windows} }},
	{"for Linux", func(pod *corev1.Pod) { pod.Spec.OS = &corev1.PodOS{Name: corev1.Linux} }},
	{"a mirror", func(pod *corev1.Pod) {
		annotate(pod, corev1.MirrorPodAnnotationKey, "x")
		pod.Spec.NodeName, pod.Spec.SchedulingGates = "node-1", nil
	}},
	{"annotated true", func(pod *corev1.Pod) { annotate(pod, inject.InjectKey, "true") }},
	{"annotated false", func(pod *corev1.Pod) { annotate(pod, inject.InjectKey, "false") }},
	{"annotated yes", func(pod *corev1.Pod) { annotate(pod, inject.InjectKey, "yes") }},
	{"critical", func(pod *corev1.Pod) { pod.Spec.PriorityClassName = "system-cluster-critical" }},
	{"injected", func(pod *corev1.Pod) {
		annotate(pod, inject.StatusAnnotation, `{"initContainers":null,"containers":["istio-proxy"]}`)
		pod.Spec.Containers = append(pod.Spec.Containers, corev1.Container{Name: "istio-proxy", Image: "proxy:1"})
	}},
	{"injected natively", func(pod *corev1.Pod) {
		annotate(pod, inject.StatusAnnotation, `{"initContainers":["istio-init","istio-proxy"],"containers":null}`)
		pod.Spec.InitContainers = []corev1.Container{{Name: "istio-proxy", Image: "proxy:1", RestartPolicy: new(corev1.ContainerRestartPolicyAlways)}}
	}},
	{"injected with no container", func(pod *corev1.Pod) {
		annotate(pod, inject.StatusAnnotation, `{"initContainers":null,"containers":null,"volumes":["logs"]}`)
	}},
	{"with a copied status", func(pod *corev1.Pod) {
		annotate(pod, inject.StatusAnnotation, `{"initContainers":["istio-init"],"containers":["istio-proxy"]}`)
	}},
	{"allowed", func(pod *corev1.Pod) { annotate(pod, inject.AllowMissingAnnotation, "true") }},
	{"not quite allowed", func(pod *corev1.Pod) { annotate(pod, inject.AllowMissingAnnotation, "yes") }},
	{"named as the injector's own", func(pod *corev1.Pod) { pod.Labels["app.kubernetes.io/name"] = "outrigger-injector" }},
	{"of a Job", func(pod *corev1.Pod) {
		pod.OwnerReferences = []metav1.OwnerReference{{APIVersion: "batch/v1", Kind: "Job", Name: "a", UID: "1", Controller: new(true)}}
	}},
}

func annotate(pod *corev1.Pod, key, value string) {
	if pod.Annotations == nil {
		pod.Annotations = map[string]string{}
	}
	pod.Annotations[key] = value
}

// probe is a pod that nobody schedules.
func probe(labels map[string]string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "probe-", Labels: labels},
		Spec: corev1.PodSpec{
			Containers:      []corev1.Container{{Name: "app", Image: "example.com/app:1"}},
			SchedulingGates: []corev1.PodSchedulingGate{{Name: "example.com/never"}},
		},
	}
}
