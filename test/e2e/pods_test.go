package e2e_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"outrigger.dev/outrigger/test/controlplane"
)

// limit is how long anything here may take. It takes seconds.
const limit = 90 * time.Second

// within is a context that ends with the test, or when that takes too long.
func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	t.Cleanup(cancel)
	return ctx
}

// newNamespace makes a namespace with labels and with a ServiceAccount for its
// pods: the API server refuses pods until there is one.
func newNamespace(t *testing.T, labels map[string]string) string {
	t.Helper()
	ctx := within(t)
	ns, err := cluster.Client().CoreV1().Namespaces().Create(ctx, &corev1.Namespace{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "e2e-", Labels: labels},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	newServiceAccount(t, ns.Name)
	return ns.Name
}

func newServiceAccount(t *testing.T, namespace string) {
	t.Helper()
	_, err := cluster.Client().CoreV1().ServiceAccounts(namespace).Create(within(t), &corev1.ServiceAccount{
		ObjectMeta: metav1.ObjectMeta{Name: "default"},
	}, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		t.Fatal(err)
	}
}

// enabled labels a namespace for the first installation.
var enabled = map[string]string{"istio-injection": "enabled"}

// newPod is a pod that nobody schedules: what it is admitted as is all there is
// to see of it.
func newPod(name string, change ...func(*corev1.Pod)) *corev1.Pod {
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: corev1.PodSpec{
			Containers:      []corev1.Container{{Name: "app", Image: "example.com/app:1"}},
			SchedulingGates: []corev1.PodSchedulingGate{{Name: "example.com/never"}},
		},
	}
	for _, c := range change {
		c(pod)
	}
	return pod
}

// labelled gives a pod labels.
func labelled(labels map[string]string) func(*corev1.Pod) {
	return func(pod *corev1.Pod) { pod.Labels = labels }
}

// annotated gives a pod an annotation.
func annotated(key, value string) func(*corev1.Pod) {
	return func(pod *corev1.Pod) { pod.Annotations = map[string]string{key: value} }
}

// created is what became of a request to create a pod.
type created struct {
	Pod      *corev1.Pod
	Warnings []string
	Err      error
}

// create creates a pod and listens to the API server's warnings.
func create(t *testing.T, namespace string, pod *corev1.Pod) created {
	t.Helper()
	var heard warnings
	config := cluster.Config()
	config.WarningHandlerWithContext = &heard
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	pod, err = client.CoreV1().Pods(namespace).Create(within(t), pod, metav1.CreateOptions{})
	return created{Pod: pod, Warnings: heard.texts, Err: err}
}

// mustCreate creates a pod that nobody may refuse.
func mustCreate(t *testing.T, namespace string, pod *corev1.Pod) *corev1.Pod {
	t.Helper()
	c := create(t, namespace, pod)
	if c.Err != nil {
		t.Fatal(c.Err)
	}
	return c.Pod
}

// warnings are what the API server said besides its answer.
type warnings struct {
	mu    sync.Mutex
	texts []string
}

// HandleWarningHeaderWithContext is for rest.Config.
func (w *warnings) HandleWarningHeaderWithContext(_ context.Context, _ int, _ string, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.texts = append(w.texts, text)
}

// names are the names of containers, in their order.
func names(containers []corev1.Container) []string {
	var all []string
	for _, c := range containers {
		all = append(all, c.Name)
	}
	return all
}

// injectedBy is the revision that injected a pod, and "" where none did.
func injectedBy(pod *corev1.Pod) string {
	proxy := slices.Contains(names(pod.Spec.Containers), "istio-proxy") || slices.Contains(names(pod.Spec.InitContainers), "istio-proxy")
	if !proxy || pod.Annotations["sidecar.istio.io/status"] == "" {
		return ""
	}
	return pod.Annotations["istio.io/rev"]
}

// A call is one webhook entry that the API server asked about a pod, named
// CONFIGURATION/ENTRY, and what it was told for the audit log.
type call struct {
	Entry   string
	Mutated bool
	Said    map[string]string
}

// calls reads in the audit log which entries the API server asked about pods,
// given as NAMESPACE/NAME. It waits until each pod's creation is in the log.
func calls(t *testing.T, pods ...string) map[string][]call {
	t.Helper()
	ctx := within(t)
	for {
		events, err := cluster.AuditEvents()
		if err != nil {
			t.Fatal(err)
		}
		found := map[string][]call{}
		for _, event := range events {
			if event.Verb == "create" && event.ObjectRef.Resource == "pods" && event.ObjectRef.Subresource == "" {
				pod := event.ObjectRef.Namespace + "/" + podName(event)
				if slices.Contains(pods, pod) {
					found[pod] = callsIn(t, event)
				}
			}
		}
		if len(found) == len(pods) {
			return found
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%d of %d pods are in the audit log: %v", len(found), len(pods), ctx.Err())
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// podName is the name of the pod that an event is about: where it was generated,
// only the answer has it.
func podName(event controlplane.AuditEvent) string {
	if event.ObjectRef.Name != "" {
		return event.ObjectRef.Name
	}
	var answer struct{ Metadata struct{ Name string } }
	_ = json.Unmarshal(event.ResponseObject, &answer) // no name, where there is none
	return answer.Metadata.Name
}

// callsIn reads the annotations of one event: mutation.webhook… say who was asked,
// and those that begin with an entry's name what it said.
func callsIn(t *testing.T, event controlplane.AuditEvent) []call {
	t.Helper()
	found := []call{}
	for key, value := range event.Annotations {
		if !strings.HasPrefix(key, "mutation.webhook.admission.k8s.io/round_0_") {
			continue
		}
		var asked struct {
			Configuration, Webhook string
			Mutated                bool
		}
		if err := json.Unmarshal([]byte(value), &asked); err != nil {
			t.Fatal(err)
		}
		c := call{Entry: asked.Configuration + "/" + strings.TrimSuffix(asked.Webhook, ".injector.outrigger.dev"), Mutated: asked.Mutated, Said: map[string]string{}}
		for key, said := range event.Annotations {
			if name, ok := strings.CutPrefix(key, asked.Webhook+"/"); ok {
				c.Said[name] = said
			}
		}
		found = append(found, c)
	}
	slices.SortFunc(found, func(a, b call) int { return strings.Compare(a.Entry, b.Entry) })
	return found
}
