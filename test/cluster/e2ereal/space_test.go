package e2ereal_test

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"outrigger.dev/outrigger/test/cluster/outrigger"
)

// space is a namespace of one test, in which pods are injected.
type space struct{ name string }

// newSpace makes a namespace that is labelled for injection, and with further labels; "" takes
// one away. It goes with the test. If that fails, the log has what can be known of the namespace's pods.
func newSpace(t *testing.T, labels ...map[string]string) space {
	t.Helper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		GenerateName: spacePrefix(t), Labels: map[string]string{"istio-injection": "enabled"},
	}}
	for _, more := range labels {
		maps.Copy(namespace.Labels, more)
	}
	maps.DeleteFunc(namespace.Labels, func(_, value string) bool { return value == "" })
	core := real(t).Client().CoreV1()
	made, err := core.Namespaces().Create(within(t), namespace, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s := space{made.Name}
	t.Cleanup(func() { s.end(t) })
	// A mesh's control plane makes this in every namespace, and the sidecar mounts it.
	root := &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: "istio-ca-root-cert"}, Data: map[string]string{"root-cert.pem": ""},
	}
	if _, err := core.ConfigMaps(s.name).Create(within(t), root, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	// Without it no pod is admitted.
	eventually(t, func() error {
		_, err := core.ServiceAccounts(s.name).Get(within(t), "default", metav1.GetOptions{})
		return err
	})
	return s
}

var notInName = regexp.MustCompile(`[^a-z0-9]+`)

// spacePrefix is the test's name, as far as a namespace can have it.
func spacePrefix(t *testing.T) string {
	name := notInName.ReplaceAllString(strings.ToLower(strings.TrimPrefix(t.Name(), "Test")), "-")
	return strings.Trim(name[:min(len(name), 40)], "-") + "-"
}

// end deletes the namespace, without waiting for it to be gone.
func (s space) end(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if t.Failed() {
		s.describe(ctx, t)
	}
	if err := real(t).Client().CoreV1().Namespaces().Delete(ctx, s.name, metav1.DeleteOptions{}); err != nil {
		t.Error(err)
	}
}

// describe logs what can be known of the pods.
func (s space) describe(ctx context.Context, t *testing.T) {
	for _, args := range [][]string{
		{"get", "pods", "--output=wide"},
		{"describe", "pods"},
		{"logs", "--selector=!any", "--all-containers", "--prefix", "--tail=30", "--ignore-errors", "--max-log-requests=100"},
	} {
		out, err := real(t).Kubectl(ctx, append([]string{"--namespace=" + s.name}, args...)...)
		t.Logf("kubectl %s:\n%s%v", args, out, err)
	}
}

// apply applies manifests in the namespace. In them APP stands for the application's image.
func (s space) apply(t *testing.T, manifests string) {
	t.Helper()
	cmd := real(t).KubectlCommand(within(t), "apply", "--namespace="+s.name, "--filename=-")
	cmd.Stdin = strings.NewReader(strings.ReplaceAll(manifests, "APP", outrigger.AppImage))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("kubectl apply: %v: %s", err, out)
	}
}

// kubectl runs kubectl in the namespace. It must succeed.
func (s space) kubectl(t *testing.T, args ...string) string {
	t.Helper()
	return kubectl(t, append([]string{"--namespace=" + s.name}, args...)...)
}

// pod is a pod as the API server has it.
func (s space) pod(t *testing.T, name string) *corev1.Pod {
	t.Helper()
	pod, err := real(t).Client().CoreV1().Pods(s.name).Get(within(t), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return pod
}

// await returns a pod once it is as wanted, which is when want has nothing to object.
func (s space) await(t *testing.T, name string, want func(*corev1.Pod) error) (pod *corev1.Pod) {
	t.Helper()
	eventually(t, func() error {
		pod = s.pod(t, name)
		if err := want(pod); err != nil {
			return fmt.Errorf("pod %q: %w", name, err)
		}
		return nil
	})
	return pod
}

// ready returns a pod once it is ready.
func (s space) ready(t *testing.T, name string) *corev1.Pod {
	t.Helper()
	return s.await(t, name, func(pod *corev1.Pod) error {
		for _, condition := range pod.Status.Conditions {
			if condition.Type == corev1.PodReady && condition.Status == corev1.ConditionTrue {
				return nil
			}
		}
		return fmt.Errorf("not ready: phase %s", pod.Status.Phase)
	})
}

// status is that of a container or an init container, or nil as long as there is none.
func status(pod *corev1.Pod, container string) *corev1.ContainerStatus {
	for _, all := range [][]corev1.ContainerStatus{pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses} {
		for i := range all {
			if all[i].Name == container {
				return &all[i]
			}
		}
	}
	return nil
}

// wantRestarts wants containers to have been restarted so often, and all others not.
func wantRestarts(t *testing.T, pod *corev1.Pod, want map[string]int32) {
	t.Helper()
	for _, status := range append(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses...) {
		if status.RestartCount != want[status.Name] {
			t.Errorf("%s: %d restarts, want %d", status.Name, status.RestartCount, want[status.Name])
		}
	}
}

// peer runs a pod without a sidecar that answers at the ports 8080 and 8081, and returns its
// address. It stays ready on a machine that has little time for its probes.
func (s space) peer(t *testing.T) string {
	t.Helper()
	s.apply(t, `
apiVersion: v1
kind: Pod
metadata: {name: peer, labels: {app: peer, sidecar.istio.io/inject: "false"}}
spec:
  containers:
  - name: one
    image: APP
    args: [serve]
    readinessProbe: {httpGet: {path: /readyz, port: 8080}, periodSeconds: 1, timeoutSeconds: 10, failureThreshold: 60}
  - name: two
    image: APP
    args: [serve, --http=8081]
    readinessProbe: {httpGet: {path: /readyz, port: 8081}, periodSeconds: 1, timeoutSeconds: 10, failureThreshold: 60}
`)
	return s.ready(t, "peer").Status.PodIP
}
