package e2ereal_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"outrigger.dev/outrigger/test/cluster/outrigger"
)

// shipper is the image that docs/examples/logs.yaml names, played by the application's program.
const shipper = "example.com/log-shipper:2.1"

// A sidecar that has nothing to do with a mesh, by the configuration in docs/examples: it
// ships what the application writes to a folder that both have.
func TestLogShipperFromTheExamples(t *testing.T) {
	t.Parallel()
	c := real(t)
	loadShipper(t)
	revision := newRevision(t, "logs")
	kubectl(t, "patch", "configmap", "outrigger-logs", "--namespace="+outrigger.Namespace, "--type=merge",
		"--patch", configPatch(t, "../../../docs/examples/logs.yaml"))
	s := newSpace(t, revision)
	manifest := `
apiVersion: apps/v1
kind: Deployment
metadata: {name: till}
spec:
  selector: {matchLabels: {app: till}}
  template:
    metadata: {labels: {app: till}}
    spec:
      securityContext: {fsGroup: 65532}
      containers:
      - name: till
        image: APP
        args: [write, --every=100ms, /var/log/app/till.log]
        volumeMounts: [{name: logs, mountPath: /var/log/app}]
      volumes: [{name: logs, emptyDir: {}}]
`
	s.awaitSidecar(t, "logs")
	s.apply(t, manifest)
	s.kubectl(t, "rollout", "status", "deployment/till", "--timeout=3m")
	pods, err := c.Client().CoreV1().Pods(s.name).List(within(t), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	pod := &pods.Items[0]
	if len(pod.Spec.InitContainers) != 1 || len(pod.Spec.Containers) != 1 {
		t.Errorf("%d init containers and %d containers, want the shipper and the application", len(pod.Spec.InitContainers), len(pod.Spec.Containers))
	}
	eventually(t, func() error {
		shipped := s.kubectl(t, "logs", pod.Name, "--container=logs")
		if !strings.HasPrefix(shipped, "till: till.log: line 1\ntill: till.log: line 2\n") {
			return fmt.Errorf("shipped %q, want the application's lines", shipped)
		}
		return nil
	})
}

// configPatch puts a file under a ConfigMap's key config.
func configPatch(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf(`{"data": {"config": %q}}`, text)
}

// loadShipper builds the image on top of the application's.
func loadShipper(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	text := "FROM " + outrigger.AppImage + "\nENTRYPOINT [\"app\", \"logs\"]\n"
	if err := os.WriteFile(filepath.Join(dir, "Containerfile"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := real(t).Build(within(t), dir, shipper); err != nil {
		t.Fatal(err)
	}
}

// awaitSidecar returns when a pod here would get a container, by a change of the configuration
// that has just been made.
func (s space) awaitSidecar(t *testing.T, container string) {
	t.Helper()
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "trial-"},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "trial", Image: outrigger.AppImage}}},
	}
	eventually(t, func() error {
		got, err := real(t).Client().CoreV1().Pods(s.name).Create(within(t), pod, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		if err == nil && (len(got.Spec.InitContainers) == 0 || got.Spec.InitContainers[0].Name != container) {
			err = fmt.Errorf("init containers %v, want %s", got.Spec.InitContainers, container)
		}
		return err
	})
}
