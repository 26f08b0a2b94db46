package e2e_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"outrigger.dev/outrigger/test/e2e/injector"
)

// An oddPod is a pod as somebody really writes it, and what becomes of it where
// it is injected. Whatever it is, the API server takes it where it is not.
type oddPod struct {
	// pod is its YAML, in the letters of its author. Metadata is generateName
	// where it says nothing, and the container app where it has none.
	pod string
	// skipped says that nothing is injected.
	skipped bool
	// init and containers name the containers of a list in their order, where
	// those that are injected do not simply come first among the init containers.
	init, containers []string
	// warnings begin the warnings that its author reads, all of them.
	warnings []string
	// refusal is in the error, where the pod is refused.
	refusal string
	// rewritten names what an injection changes in the author's own containers
	// and volumes, which otherwise stay as the API server makes them without us.
	rewritten []string
	// check looks at what else is wanted.
	check func(*testing.T, *corev1.Pod)
}

// try creates a pod where nobody is injected and where server injects, and
// compares the two.
func (o oddPod) try(t *testing.T, server *injector.Injector, plain, injected string) {
	t.Helper()
	alone := post(t, plain, o.pod)
	if alone.Err != nil {
		t.Fatalf("the pod is none without us either: %v", alone.Err)
	}
	got := post(t, injected, o.pod)
	if diff := cmp.Diff(o.warnings, ours(got.Warnings, alone.Warnings), cmp.Comparer(begins)); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
	if o.refusal != "" {
		if got.Err == nil || !strings.Contains(got.Err.Error(), o.refusal) {
			t.Errorf("refused with\n%v\nwant\n%s", got.Err, o.refusal)
		}
		return
	}
	if got.Err != nil {
		t.Fatal(got.Err)
	}
	o.compare(t, alone.Pod, got.Pod)
	wantFixed(t, server, got.Pod)
	if o.check != nil {
		o.check(t, got.Pod)
	}
}

// begins says whether one text begins with the other.
func begins(a, b string) bool { return strings.HasPrefix(a, b) || strings.HasPrefix(b, a) }

// ours are the warnings that the API server does not have of itself.
func ours(all, without []string) []string {
	var left []string
	for _, w := range all {
		if !slices.Contains(without, w) {
			left = append(left, w)
		}
	}
	return left
}

// compare wants all that the pod has alone in the injected one, and there what is
// wanted besides.
func (o oddPod) compare(t *testing.T, alone, injected *corev1.Pod) {
	t.Helper()
	if skipped := injectedBy(injected) == ""; skipped != o.skipped {
		t.Fatalf("skipped is %t, want %t", skipped, o.skipped)
	}
	init, containers := names(alone.Spec.InitContainers), names(alone.Spec.Containers)
	if !o.skipped {
		init = append([]string{"istio-init", "istio-proxy"}, init...)
	}
	if o.init != nil {
		init = o.init
	}
	if o.containers != nil {
		containers = o.containers
	}
	if diff := cmp.Diff(init, names(injected.Spec.InitContainers)); diff != "" {
		t.Errorf("init containers (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(containers, names(injected.Spec.Containers)); diff != "" {
		t.Errorf("containers (-want +got):\n%s", diff)
	}
	wantKept(t, alone, injected, o.rewritten)
}

// wantKept wants everything of a pod in another that was made of it, but for what
// is named.
func wantKept(t *testing.T, alone, injected *corev1.Pod, but []string) {
	t.Helper()
	before, after := tree(t, alone), tree(t, injected)
	for what, pair := range map[string][2]map[string]any{
		"labels":          {keyed(before, "metadata", "labels"), keyed(after, "metadata", "labels")},
		"annotations":     {keyed(before, "metadata", "annotations"), keyed(after, "metadata", "annotations")},
		"spec":            {keyed(before, "spec"), keyed(after, "spec")},
		"containers":      {named(before, "containers"), named(after, "containers")},
		"init containers": {named(before, "initContainers"), named(after, "initContainers")},
		"volumes":         {named(before, "volumes"), named(after, "volumes")},
	} {
		for key, was := range pair[0] {
			if slices.Contains(but, key) || what == "spec" && slices.Contains([]string{"containers", "initContainers", "volumes"}, key) {
				continue
			}
			if diff := cmp.Diff(was, pair[1][key]); diff != "" {
				t.Errorf("%s %s (-alone +injected):\n%s", what, key, diff)
			}
		}
	}
}

// tree is a pod's JSON, without the names that the ServiceAccount plugin draws.
func tree(t *testing.T, pod *corev1.Pod) map[string]any {
	t.Helper()
	raw, err := json.Marshal(pod)
	if err != nil {
		t.Fatal(err)
	}
	var o map[string]any
	if err := json.Unmarshal(generated.ReplaceAll(raw, []byte("kube-api-access-xxxxx")), &o); err != nil {
		t.Fatal(err)
	}
	return o
}

// keyed is the object at a path; nil where there is none.
func keyed(o map[string]any, path ...string) map[string]any {
	for _, field := range path {
		o, _ = o[field].(map[string]any)
	}
	return o
}

// named are the elements of a list of a pod's spec by their names.
func named(pod map[string]any, list string) map[string]any {
	found := map[string]any{}
	elements, _ := keyed(pod, "spec")[list].([]any)
	for _, e := range elements {
		found[e.(map[string]any)["name"].(string)] = e
	}
	return found
}

// wantFixed asks the server about a pod as it is stored, as if the API server
// called once more, and wants nothing changed.
func wantFixed(t *testing.T, server *injector.Injector, pod *corev1.Pod) {
	t.Helper()
	pod = pod.DeepCopy()
	if pod.GenerateName != "" {
		pod.Name = "" // drawn after all webhooks have been asked
	}
	raw, err := json.Marshal(pod)
	if err != nil {
		t.Fatal(err)
	}
	body := []byte(review("v1", pod.Namespace, string(raw)))
	response, err := caller(t, server).Post(server.URL()+"/inject", "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	var answer admissionv1.AdmissionReview
	if err := json.Unmarshal(text, &answer); err != nil || response.StatusCode != http.StatusOK || !answer.Response.Allowed {
		t.Fatalf("one more call: %s: %s", response.Status, text)
	}
	if len(answer.Response.Patch) > 0 {
		t.Errorf("one more call changes the pod: %s", answer.Response.Patch)
	}
}

// post creates a pod from YAML, which reaches the API server as it is but for a
// gate: nobody schedules it, and it takes no room on a node.
func post(t *testing.T, namespace, pod string) created {
	t.Helper()
	pod = whole(pod)
	if !strings.Contains(pod, "schedulingGates:") {
		pod = strings.Replace(pod, "\nspec:", "\nspec:\n  schedulingGates: [{name: example.com/never}]", 1)
	}
	return postAs(t, rest.ImpersonationConfig{}, namespace, pod)
}

// postAs creates a pod in somebody's name, without a gate.
func postAs(t *testing.T, who rest.ImpersonationConfig, namespace, pod string) created {
	t.Helper()
	var heard warnings
	config := cluster.Config()
	config.WarningHandlerWithContext, config.Impersonate = &heard, who
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	var stored corev1.Pod
	err = client.CoreV1().RESTClient().Post().Namespace(namespace).Resource("pods").
		SetHeader("Content-Type", "application/yaml").Body([]byte(pod)).Do(within(t)).Into(&stored)
	return created{Pod: &stored, Warnings: heard.texts, Err: err}
}

// whole adds to a pod's YAML what every pod has.
func whole(pod string) string {
	pod = "apiVersion: v1\nkind: Pod\n" + strings.Trim(pod, "\n") + "\n"
	if !strings.Contains(pod, "\nmetadata:") {
		pod += "metadata: {generateName: odd-}\n"
	}
	if !strings.Contains(pod, "\nspec:") {
		pod += "spec:\n"
	}
	if !strings.Contains(pod, "\n  containers:") {
		pod = strings.Replace(pod, "\nspec:\n", "\nspec:\n  containers: [{name: app, image: example.com/app}]\n", 1)
	}
	return pod
}
