package e2e_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"outrigger.dev/outrigger/charts"
	"outrigger.dev/outrigger/inject"
	"outrigger.dev/outrigger/test/e2e/injector"
)

// nothingExcluded has the API server ask about all pods.
var nothingExcluded = []string{
	"webhook.exclude.mirror=false", "webhook.exclude.hostNetwork=false",
	"webhook.exclude.windows=false", "webhook.exclude.annotationOptOut=false",
}

// excluded are the reasons that the chart has the API server know by itself.
var excluded = []inject.Reason{inject.HostNetwork, inject.MirrorPod, inject.Windows, inject.PodAnnotation}

// shapes are what pods are besides labels and annotations.
var shapes = map[string]func(*corev1.Pod){
	"plain":               func(*corev1.Pod) {},
	"on the host network": func(pod *corev1.Pod) { pod.Spec.HostNetwork = true },
	"for Windows":         func(pod *corev1.Pod) { pod.Spec.OS = &corev1.PodOS{Name: corev1.Windows} },
	"for Linux":           func(pod *corev1.Pod) { pod.Spec.OS = &corev1.PodOS{Name: corev1.Linux} },
	"critical":            func(pod *corev1.Pod) { pod.Spec.PriorityClassName = "system-cluster-critical" },
	"mirror": func(pod *corev1.Pod) {
		pod.Annotations["kubernetes.io/config.mirror"] = "" // the value does not count
		pod.Spec.NodeName, pod.Spec.SchedulingGates = "node-1", nil
	},
}

// What the API server is told in its own language is what the server decides, cell
// by cell: it asks about a pod unless the server would skip it for one of the reasons
// above. "absent" stands for no label, or no annotation.
func TestExclusionsAreTheServersRules(t *testing.T) {
	t.Parallel()
	config, values, mesh := charts.Default()
	server, err := inject.New(inject.Sources{Config: config, Values: values, Mesh: mesh}, inject.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	labels := map[string]string{"istio.io/rev": "canary"}
	namespace := newNamespace(t, labels)
	want, got, names := map[string]bool{}, map[string]bool{}, map[string]string{}
	for shape, change := range shapes {
		for _, label := range []string{"absent", "true", "yes", ""} {
			for _, annotation := range []string{"absent", "true", "false", "False", ""} {
				cell := fmt.Sprintf("%s, label %q, annotation %q", shape, label, annotation)
				pod := newPod(fmt.Sprintf("cell-%d", len(want)))
				pod.Labels, pod.Annotations = map[string]string{}, map[string]string{}
				if label != "absent" {
					pod.Labels[inject.InjectKey] = label
				}
				if annotation != "absent" {
					pod.Annotations[inject.InjectKey] = annotation
				}
				change(pod)
				decision := server.Decide(pod, inject.Namespace{Name: namespace, Labels: labels}, inject.OwnerOf(pod))
				want[cell] = decision.Verdict != inject.Skip || !slices.Contains(excluded, decision.Reason)
				names[namespace+"/"+pod.Name] = cell
				mustCreate(t, namespace, pod)
			}
		}
	}
	for pod, asked := range calls(t, keys(names)...) {
		got[names[pod]] = len(asked) > 0
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("asked about (-decided +asked):\n%s", diff)
	}
	told := slices.Collect(maps.Values(want))
	if !slices.Contains(told, true) || !slices.Contains(told, false) {
		t.Error("all cells are the same: this test proves nothing")
	}
}

// While nobody answers and failurePolicy is Fail, what holds the cluster up and what
// gets no sidecar anyway is created all the same.
func TestDeadWebhookBlocksOnlyWhatIsInjected(t *testing.T) {
	t.Parallel()
	helm(t, "install", "outrigger-dead", "../../charts/outrigger", "--namespace", injector.Namespace, "--set", "revision=dead",
		"--set", "webhook.url=https://127.0.0.1:1", "--set", "webhook.exclude.critical=true")
	t.Cleanup(func() {
		if _, err := tools.RunHelm(context.Background(), cluster, "uninstall", "outrigger-dead", "--namespace", injector.Namespace); err != nil {
			t.Error(err)
		}
	})
	dead := map[string]string{"istio.io/rev": "dead"}
	asks := func(pod *corev1.Pod) { pod.Labels = map[string]string{"istio.io/rev": "dead"} }
	for name, c := range map[string]struct {
		namespace string // "" for a new one that asks for sidecars
		change    func(*corev1.Pod)
		refused   bool
	}{
		"a pod that would be injected": {change: func(*corev1.Pod) {}, refused: true},
		"a pod of ours":                {namespace: injector.Namespace, change: asks},
		"a pod of the system's":        {namespace: "kube-system", change: asks},
		"beside the nodes' leases":     {namespace: "kube-node-lease", change: asks},
		"on the host's network":        {change: shapes["on the host network"]},
		"for Windows":                  {change: shapes["for Windows"]},
		"critical":                     {change: shapes["critical"]},
		"opted out by label":           {change: labelled(map[string]string{inject.InjectKey: "false"})},
		"opted out by annotation":      {change: annotated(inject.InjectKey, "false")},
		"a label that hides an opting out": {refused: true, change: func(pod *corev1.Pod) {
			annotated(inject.InjectKey, "false")(pod)
			labelled(map[string]string{inject.InjectKey: "true"})(pod)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			namespace := c.namespace
			if namespace == "" {
				namespace = newNamespace(t, dead)
			}
			newServiceAccount(t, namespace)
			pod := newPod("", c.change)
			pod.GenerateName = "dead-"
			got := create(t, namespace, pod)
			if refused := apierrors.IsInternalError(got.Err); refused != c.refused || got.Err != nil && !refused {
				t.Errorf("created with %v, want a refusal: %t", got.Err, c.refused)
			}
		})
	}
}
