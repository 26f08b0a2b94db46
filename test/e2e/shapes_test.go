package e2e_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// A pod without any metadata reaches the webhook before anybody has looked at
// it. It is the API server that refuses it, for its missing name.
func TestPodWithoutMetadata(t *testing.T) {
	t.Parallel()
	namespace := newNamespace(t, enabled)
	err := cluster.Client().CoreV1().RESTClient().Post().Namespace(namespace).Resource("pods").
		SetHeader("Content-Type", "application/json").
		Body([]byte(`{"apiVersion":"v1","kind":"Pod","spec":{"containers":[{"name":"a","image":"b"}]}}`)).
		Do(within(t)).Error()
	if !apierrors.IsInvalid(err) || !strings.Contains(err.Error(), "name or generateName is required") {
		t.Errorf("got %v, want the API server to ask for a name", err)
	}
}

func TestPodsOfOddShapesAreInjected(t *testing.T) {
	t.Parallel()
	namespace := newNamespace(t, enabled)
	for name, pod := range map[string]*corev1.Pod{
		"a generated name": newPod("", func(pod *corev1.Pod) { pod.GenerateName = "odd-" }),
		"the longest name": newPod(strings.Repeat(strings.Repeat("n", 62)+".", 4) + "n"),
		"of a controller": newPod("", func(pod *corev1.Pod) {
			pod.GenerateName = "web-5d4f8c7b6-"
			pod.Labels = map[string]string{"pod-template-hash": "5d4f8c7b6"}
		}),
		"many containers": newPod("many", func(pod *corev1.Pod) {
			for _, name := range strings.Fields("b c d e f g h i j k l m n") {
				pod.Spec.Containers = append(pod.Spec.Containers, corev1.Container{Name: name, Image: "example.com/x"})
			}
		}),
		"annotations of 200 KiB": newPod("large", annotated("example.com/large", strings.Repeat("x", 200<<10))),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if injectedBy(mustCreate(t, namespace, pod)) != "default" {
				t.Error("not injected")
			}
		})
	}
}

// generated are the names that the ServiceAccount plugin draws anew each time.
var generated = regexp.MustCompile(`kube-api-access-[a-z0-9]{5}`)

// A dry run on the server gives the pod that the real creation gives.
func TestDryRunIsTheTruth(t *testing.T) {
	t.Parallel()
	namespace := newNamespace(t, enabled)
	manifest := `
apiVersion: v1
kind: Pod
metadata: {name: dry, namespace: ` + namespace + `, labels: {app: dry}}
spec:
  schedulingGates: [{name: example.com/never}]
  containers:
  - {name: app, image: "example.com/app:1", ports: [{containerPort: 80}], readinessProbe: {httpGet: {path: /, port: 80}}}
`
	apply := func(args ...string) corev1.Pod {
		t.Helper()
		cmd := cluster.KubectlCommand(within(t), append([]string{"apply", "-f", "-", "-o", "json"}, args...)...)
		cmd.Stdin = strings.NewReader(manifest)
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		var pod corev1.Pod
		if err := json.Unmarshal(generated.ReplaceAll(out, []byte("kube-api-access-xxxxx")), &pod); err != nil {
			t.Fatal(err)
		}
		return pod
	}
	dry, real := apply("--dry-run=server"), apply()
	if injectedBy(&real) == "" {
		t.Error("the real pod is not injected")
	}
	for what, pair := range map[string][2]any{
		"spec":        {real.Spec, dry.Spec},
		"labels":      {real.Labels, dry.Labels},
		"annotations": {real.Annotations, dry.Annotations},
	} {
		if diff := cmp.Diff(pair[0], pair[1]); diff != "" {
			t.Errorf("%s (-real +dry run):\n%s", what, diff)
		}
	}
}
