package e2e_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"outrigger.dev/outrigger/test/controlplane"
)

// original is a pod with everything that an injection rewrites: probes, ports by
// name, metrics.
const original = `
metadata:
  name: original
  labels: {app: original, version: v1}
  annotations: {prometheus.io/scrape: "true", prometheus.io/port: "9102"%s}
spec:
  initContainers: [{name: setup, image: a}]
  containers:
  - name: app
    image: example.com/app:1
    ports: [{name: web, containerPort: 8080}]
    readinessProbe: {httpGet: {path: /ready, port: web}, periodSeconds: 7}
    livenessProbe: {tcpSocket: {port: 8080}}
    startupProbe: {grpc: {port: 9000}, failureThreshold: 30}
    lifecycle: {preStop: {httpGet: {path: /stop, port: web}}}
  - {name: other, image: b, resources: {limits: {cpu: 10m}}}
`

// sidecars are the kinds, by what the pod's annotations say besides.
func sidecars(t *testing.T) map[string]string {
	t.Helper()
	return map[string]string{"native": nativeWanted(t), "classic": classic}
}

// runs creates a pod that is bound to a node and runs, and gives it as it is then.
func runs(t *testing.T, namespace, pod string) *corev1.Pod {
	t.Helper()
	got := postAs(t, rest.ImpersonationConfig{}, namespace, whole(pod))
	if got.Err != nil {
		t.Fatal(got.Err)
	}
	kubectl(t, "wait", "pod/"+got.Pod.Name, "--for=condition=Ready", "--timeout=60s", "--namespace", namespace)
	return read(t, namespace, got.Pod.Name)
}

func read(t *testing.T, namespace, name string) *corev1.Pod {
	t.Helper()
	pod, err := cluster.Client().CoreV1().Pods(namespace).Get(within(t), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return pod
}

// wantSame wants two pods to be the same but for their names and namespaces, by
// which the proxy knows the workload of a pod that nobody owns.
func wantSame(t *testing.T, was, is *corev1.Pod) {
	t.Helper()
	parts := func(pod *corev1.Pod) map[string]any {
		o := tree(t, pod)
		delete(keyed(o, "spec"), "nodeName")
		for _, list := range []string{"containers", "initContainers"} {
			env, _ := keyed(named(o, list), "istio-proxy")["env"].([]any)
			for _, v := range env {
				if v := v.(map[string]any); v["value"] != nil {
					v["value"] = strings.NewReplacer(pod.Name, "NAME", pod.Namespace, "NAMESPACE").Replace(v["value"].(string))
				}
			}
		}
		return map[string]any{"labels": keyed(o, "metadata", "labels"), "annotations": keyed(o, "metadata", "annotations"), "spec": o["spec"]}
	}
	if diff := cmp.Diff(parts(was), parts(is)); diff != "" {
		t.Errorf("%s (-was +is):\n%s", is.Name, diff)
	}
}

// What kubectl shows of a pod that runs, given back to it: after the pod is gone,
// in one go with its end, and beside it under another name.
func TestExportedPodsComeBackTheSame(t *testing.T) {
	t.Parallel()
	for sidecar, annotation := range sidecars(t) {
		t.Run(sidecar, func(t *testing.T) {
			t.Parallel()
			namespace := newNamespace(t, enabled)
			was := runs(t, namespace, strings.Replace(original, "%s", annotation, 1))
			exported := kubectl(t, "get", "pod", "original", "--namespace", namespace, "-o", "yaml")

			kubectlWith(t, exported, "replace", "--force", "-f", "-")
			wantSame(t, was, read(t, namespace, "original"))
			kubectl(t, "delete", "pod", "original", "--namespace", namespace)
			kubectlWith(t, exported, "create", "-f", "-")
			wantSame(t, was, read(t, namespace, "original"))
			kubectlWith(t, strings.Replace(exported, "\n  name: original\n", "\n  name: second\n", 1), "create", "-f", "-")
			wantSame(t, was, read(t, namespace, "second"))
			for _, pod := range podsIn(t, namespace) {
				wantFixed(t, first, &pod)
			}
		})
	}
}

// kubectlWith runs kubectl with something to read.
func kubectlWith(t *testing.T, input string, args ...string) string {
	t.Helper()
	cmd := cluster.KubectlCommand(within(t), args...)
	cmd.Stdin = strings.NewReader(input)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("kubectl %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// The copies that "kubectl debug" makes of a pod: without its labels, its probes
// and its annotations, and so without the record of its injection, unless it is
// told to keep them. Nothing is there twice, and what was taken out stays out.
func TestCopiesForDebugging(t *testing.T) {
	t.Parallel()
	for sentence, c := range map[string]struct {
		args []string
		// kept says that the copy keeps the annotations, and with them the wish for
		// a classic sidecar.
		kept, probed, cut bool
		containers        []string
	}{
		"with another image": { // which alone lets all else be
			args: []string{"--set-image=app=example.com/app:debug"},
			kept: true, probed: true,
		},
		"with all images replaced": {
			args: []string{"--set-image=*=example.com/app:debug"},
			kept: true, probed: true,
		},
		"with another command": {args: []string{"--container=app", "--", "sleep", "1d"}},
		"with another container": {
			args:       []string{"--image=busybox", "--container=shell"},
			containers: []string{"shell"},
		},
		"without init containers": {
			args:       []string{"--image=busybox", "--container=shell", "--keep-init-containers=false"},
			cut:        true,
			containers: []string{"shell"},
		},
		"with its annotations": {
			args: []string{"--container=app", "--keep-annotations", "--", "sleep", "1d"},
			kept: true,
		},
		"with its annotations, without init containers": {
			args: []string{"--container=app", "--keep-annotations", "--keep-init-containers=false", "--", "sleep", "1d"},
			kept: true, cut: true,
		},
		"with all that can be kept, and another container": {
			args: []string{"--image=busybox", "--container=shell", "--same-node", "--keep-labels", "--keep-annotations", "--keep-liveness", "--keep-readiness", "--keep-startup"},
			kept: true, probed: true,
			containers: []string{"shell"},
		},
	} {
		for sidecar, annotation := range sidecars(t) {
			t.Run(sidecar+", "+sentence, func(t *testing.T) {
				t.Parallel()
				namespace := newNamespace(t, enabled)
				was := runs(t, namespace, strings.Replace(original, "%s", annotation, 1))
				args := slices.Concat([]string{"debug", "original", "--copy-to=copy", "--namespace", namespace, "--attach=false"}, c.args)
				kubectl(t, args...)
				is := read(t, namespace, "copy")

				init, containers := []string{"istio-init", "istio-proxy"}, slices.Concat([]string{"app", "other"}, c.containers)
				if !c.cut {
					init = append(init, "setup")
				}
				if c.kept && sidecar == "classic" {
					slices.Reverse(init)
					init = slices.DeleteFunc(init, func(name string) bool { return name == "istio-proxy" })
					containers = append(containers, "istio-proxy")
				}
				if diff := cmp.Diff([][]string{init, containers}, [][]string{names(is.Spec.InitContainers), names(is.Spec.Containers)}); diff != "" {
					t.Errorf("containers (-want +got):\n%s", diff)
				}
				if probed := container(is, "app").ReadinessProbe != nil; probed != c.probed {
					t.Errorf("readiness is probed: %t, want %t", probed, c.probed)
				}
				if diff := cmp.Diff(container(was, "app").Lifecycle, container(is, "app").Lifecycle); diff != "" {
					t.Errorf("lifecycle (-was +is):\n%s", diff)
				}
				// Where kubectl takes out the proxy as well as the annotations, nobody
				// knows any more what the handler was.
				lost := c.cut && !c.kept && sidecar == "native"
				if probers := variable(proxy(is), "ISTIO_KUBE_APP_PROBERS"); !lost && !strings.Contains(probers, `"/app-lifecycle/app/prestopz":{"httpGet":{"path":"/stop","port":8080`) {
					t.Errorf("the agent does not know what to do when the container stops: %s", probers)
				}
				wantFixed(t, first, is)
			})
		}
	}
}

// The API server does not ask about a container that is added to a pod that runs.
func TestEphemeralContainers(t *testing.T) {
	t.Parallel()
	namespace := newNamespace(t, enabled)
	was := runs(t, namespace, strings.Replace(original, "%s", "", 1))
	kubectl(t, "debug", "original", "--image=busybox", "--container=shell", "--target=app", "--namespace", namespace, "--attach=false")
	is := read(t, namespace, "original")
	if len(is.Spec.EphemeralContainers) != 1 {
		t.Fatal("there is no ephemeral container")
	}
	is.Spec.EphemeralContainers = nil
	wantSame(t, was, is)
	event, err := cluster.WaitForAudit(within(t), func(e controlplane.AuditEvent) bool {
		return e.ObjectRef.Namespace == namespace && e.ObjectRef.Subresource == "ephemeralcontainers"
	})
	if err != nil {
		t.Fatal(err)
	}
	if asked := callsIn(t, event); len(asked) > 0 {
		t.Errorf("asked about: %v", asked)
	}
}

// A manifest of a pod that is applied twice changes nothing the second time. (With
// a probe that was rewritten the API server would refuse the second time, whoever
// injected.)
func TestPodAppliedTwice(t *testing.T) {
	t.Parallel()
	const manifest = `
apiVersion: v1
kind: Pod
metadata: {name: %s, labels: {app: twice}}
spec: {initContainers: [{name: setup, image: a}], containers: [{name: app, image: a, ports: [{containerPort: 80}], env: [{name: A, value: "1"}]}], volumes: [{name: v, emptyDir: {}}]}
`
	namespace := newNamespace(t, enabled)
	for name, args := range map[string][]string{
		"client": {"apply", "-f", "-", "--namespace", namespace},
		"server": {"apply", "-f", "-", "--namespace", namespace, "--server-side"},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(manifest, "%s", name, 1)
			kubectlWith(t, text, args...)
			was := read(t, namespace, name)
			kubectlWith(t, text, args...)
			is := read(t, namespace, name)
			if injectedBy(was) != "default" || was.Generation != is.Generation {
				t.Errorf("injected by %q, generation %d and then %d", injectedBy(was), was.Generation, is.Generation)
			}
			is.Spec.NodeName = was.Spec.NodeName
			wantSame(t, was, is)
		})
	}
}
