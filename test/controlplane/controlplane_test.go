package controlplane_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"outrigger.dev/outrigger/test/controlplane"
)

// cluster is what most tests share: starting one is what takes time.
var cluster *controlplane.ControlPlane

func TestMain(m *testing.M) {
	if os.Getenv(parentVariable) != "" {
		parent()
	}
	begin := time.Now()
	var err error
	cluster, err = controlplane.Start(context.Background(), controlplane.Options{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("control plane up in %.1f s\n", time.Since(begin).Seconds())
	code := m.Run()
	if err := cluster.Stop(); err != nil {
		log.Fatal(err)
	}
	os.Exit(code)
}

func TestNodesReportTheServersVersion(t *testing.T) {
	t.Parallel()
	server, err := cluster.Client().Discovery().ServerVersion()
	if err != nil {
		t.Fatal(err)
	}
	nodes, err := cluster.Client().CoreV1().Nodes().List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, node := range nodes.Items {
		got[node.Name] = node.Status.NodeInfo.KubeletVersion
	}
	want := map[string]string{"node-1": server.GitVersion, "node-2": server.GitVersion}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("kubelet versions (-want +got):\n%s", diff)
	}
	if os.Getenv("KUBEBUILDER_ASSETS")+os.Getenv("OUTRIGGER_TEST_KUBERNETES") == "" && server.GitVersion != "v1.37.2" {
		t.Errorf("server's version: %s, want v1.37.2", server.GitVersion)
	}
}

// TestPodsGetReady covers what the READY column of kubectl counts: containers and
// restartable init containers.
func TestPodsGetReady(t *testing.T) {
	t.Parallel()
	const native = `{"spec":{"template":{"spec":{"initContainers":[
		{"name":"once","image":"busybox"},
		{"name":"sidecar","image":"busybox","restartPolicy":"Always"}]}}}}`
	for name, test := range map[string]struct{ patch, want string }{
		"plain":      {`{}`, "1/1 Running"},
		"native":     {native, "2/2 Running"},
		"on-network": {`{"spec":{"template":{"spec":{"hostNetwork":true}}}}`, "1/1 Running"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			namespace := newNamespace(t)
			kubectl(t, "-n", namespace, "create", "deployment", name, "--image=nginx", "--replicas=0")
			kubectl(t, "-n", namespace, "patch", "deployment", name, "--patch", test.patch)
			kubectl(t, "-n", namespace, "scale", "deployment", name, "--replicas=2")
			kubectl(t, "-n", namespace, "rollout", "status", "deployment", name, "--timeout=60s")
			for _, line := range strings.Split(strings.TrimSpace(
				kubectl(t, "-n", namespace, "get", "pods", "--no-headers")), "\n") {
				if got := strings.Join(strings.Fields(line)[1:3], " "); got != test.want {
					t.Errorf("pod: %s, want %s", line, test.want)
				}
			}
		})
	}
}

// TestJobs holds kwok's stages against what a kubelet does about sidecars.
func TestJobs(t *testing.T) {
	t.Parallel()
	const proxy = `{"name":"istio-proxy","image":"proxy"`
	for name, test := range map[string]struct{ initContainers, containers, want string }{
		"completes without a sidecar": {
			`[]`, `[]`, "Completed"},
		"completes with a native sidecar": {
			`[` + proxy + `,"restartPolicy":"Always"}]`, `[]`, "Completed"},
		"hangs with a classic sidecar": {
			`[]`, `[` + proxy + `}]`, "NotReady"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			namespace := newNamespace(t)
			apply(t, fmt.Sprintf(`{"apiVersion":"batch/v1","kind":"Job",
				"metadata":{"name":"work","namespace":%q},
				"spec":{"template":{"spec":{"restartPolicy":"Never","initContainers":%s,"containers":%s}}}}`,
				namespace, test.initContainers, withWork(t, test.containers)))
			eventually(t, func() error {
				out := kubectl(t, "-n", namespace, "get", "pods", "--no-headers")
				if !strings.Contains(out, " "+test.want+" ") {
					return fmt.Errorf("pod: %q, want %s", out, test.want)
				}
				return nil
			})
			if test.want == "Completed" {
				kubectl(t, "-n", namespace, "wait", "--for=condition=complete", "job/work", "--timeout=60s")
			}
		})
	}
}

func TestDeletedPodsGo(t *testing.T) {
	t.Parallel()
	namespace := newNamespace(t)
	kubectl(t, "-n", namespace, "run", "short", "--image=nginx")
	kubectl(t, "-n", namespace, "wait", "--for=condition=ready", "pod/short", "--timeout=60s")
	kubectl(t, "-n", namespace, "delete", "pod", "short", "--timeout=60s")
}

func TestAdmissionIsThatOfARealCluster(t *testing.T) {
	t.Parallel()
	namespace := newNamespace(t)
	kubectl(t, "label", "namespace", namespace, "pod-security.kubernetes.io/enforce=restricted")
	apply(t, fmt.Sprintf(`{"apiVersion":"v1","kind":"LimitRange","metadata":{"name":"limits","namespace":%q},
		"spec":{"limits":[{"type":"Container","defaultRequest":{"cpu":"1m"}}]}}`, namespace))
	pods := cluster.Client().CoreV1().Pods(namespace)

	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "pod"},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: "nginx"}}},
	}
	if _, err := pods.Create(t.Context(), pod, metav1.CreateOptions{}); !apierrors.IsForbidden(err) {
		t.Errorf("a pod that is not restricted: %v, want forbidden", err)
	}
	kubectl(t, "label", "namespace", namespace, "pod-security.kubernetes.io/enforce-")
	stored, err := pods.Create(t.Context(), pod, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if got := stored.Spec.Containers[0].Resources.Requests.Cpu().String(); got != "1m" {
		t.Errorf("cpu request: %s, want the LimitRange's 1m", got)
	}
	if got := len(stored.Spec.Containers[0].VolumeMounts); got != 1 {
		t.Errorf("volume mounts: %d, want the ServiceAccount's token", got)
	}
}

func TestAuditLogShowsPodsAsStored(t *testing.T) {
	t.Parallel()
	namespace := newNamespace(t)
	kubectl(t, "-n", namespace, "run", "seen", "--image=nginx")
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	event, err := cluster.WaitForAudit(ctx, func(e controlplane.AuditEvent) bool {
		return e.Verb == "create" && e.ObjectRef.Resource == "pods" && e.ObjectRef.Namespace == namespace
	})
	if err != nil {
		t.Fatal(err)
	}
	if event.User.Username != "admin" || event.ResponseStatus.Code != 201 {
		t.Errorf("event: user %q, status %d, want admin, 201", event.User.Username, event.ResponseStatus.Code)
	}
	var stored corev1.Pod
	if err := json.Unmarshal(event.ResponseObject, &stored); err != nil {
		t.Fatal(err)
	}
	if stored.Name != "seen" || stored.UID == "" {
		t.Errorf("response object: name %q, UID %q, want the stored pod", stored.Name, stored.UID)
	}
}

func TestKubeconfigsHaveTheRightsThatRBACGives(t *testing.T) {
	t.Parallel()
	namespace := newNamespace(t)
	kubectl(t, "-n", namespace, "create", "serviceaccount", "server")
	account, err := cluster.ServiceAccountKubeconfig(t.Context(), namespace, "server")
	if err != nil {
		t.Fatal(err)
	}
	user, err := cluster.UserKubeconfig("someone:else/1", "testers")
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ kubeconfig, subject string }{
		"service account": {account, "--serviceaccount=" + namespace + ":server"},
		"user":            {user, "--group=testers"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := cluster.Kubectl(t.Context(), "--kubeconfig", test.kubeconfig, "-n", namespace, "get", "pods")
			if err == nil || !strings.Contains(err.Error(), "forbidden") {
				t.Errorf("without a binding: %v, want forbidden", err)
			}
			kubectl(t, "-n", namespace, "create", "rolebinding", strings.ReplaceAll(name, " ", "-"),
				"--clusterrole=view", test.subject)
			eventually(t, func() error {
				_, err := cluster.Kubectl(t.Context(), "--kubeconfig", test.kubeconfig, "-n", namespace, "get", "pods")
				return err
			})
		})
	}
}
