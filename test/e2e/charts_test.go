package e2e_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
)

// Charts of other people, who have never heard of us, installed with Helm into a
// labelled namespace.

// The chart that "helm create" makes: a Deployment, an autoscaler, and a Pod
// that tests the release and has to end.
func TestChartOfSomebodyElse(t *testing.T) {
	t.Parallel()
	namespace := newNamespace(t, enabled)
	dir := t.TempDir()
	helm(t, "create", filepath.Join(dir, "shop"))
	helm(t, "install", "shop", filepath.Join(dir, "shop"), "--namespace", namespace,
		"--set", "autoscaling.enabled=true", "--wait", "--timeout", "80s")
	helm(t, "test", "shop", "--namespace", namespace, "--timeout", "80s")
	kubectl(t, "get", "horizontalpodautoscalers", "shop", "--namespace", namespace)

	pods := podsIn(t, namespace)
	if len(pods) != 2 {
		t.Errorf("%d pods, want that of the Deployment and that of the test", len(pods))
	}
	for _, pod := range pods {
		wantInjected(t, pod)
	}
}

// Workloads that keep state, and such that end: with a native sidecar they do.
func TestChartWithStatefulSetJobAndCronJob(t *testing.T) {
	t.Parallel()
	namespace := newNamespace(t, enabled)
	chart := filepath.Join(t.TempDir(), "ledger")
	for name, text := range map[string]string{
		"Chart.yaml": "apiVersion: v2\nname: ledger\nversion: 1.0.0\n",
		"templates/all.yaml": `
apiVersion: v1
kind: Service
metadata: {name: ledger}
spec: {clusterIP: None, selector: {app: ledger}, ports: [{port: 80}]}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: ledger}
spec:
  serviceName: ledger
  replicas: 2
  selector: {matchLabels: {app: ledger}}
  template:
    metadata: {labels: {app: ledger}}
    spec: {containers: [{name: db, image: "example.com/db:1"}]}
---
apiVersion: batch/v1
kind: Job
metadata: {name: migrate}
spec:
  template:
    spec: {restartPolicy: Never, containers: [{name: migrate, image: "example.com/db:1"}]}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: backup}
spec:
  schedule: "0 3 * * *"
  jobTemplate:
    spec:
      template:
        spec: {restartPolicy: Never, containers: [{name: backup, image: "example.com/db:1"}]}
`,
	} {
		file := filepath.Join(chart, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	helm(t, "install", "ledger", chart, "--namespace", namespace, "--wait", "--wait-for-jobs", "--timeout", "80s")
	kubectl(t, "create", "job", "backup-now", "--from=cronjob/backup", "--namespace", namespace)
	kubectl(t, "wait", "job/backup-now", "--for=condition=Complete", "--timeout=60s", "--namespace", namespace)

	got := map[string]int{}
	for _, pod := range podsIn(t, namespace) {
		wantInjected(t, pod)
		got[pod.OwnerReferences[0].Kind+" "+pod.OwnerReferences[0].Name]++
	}
	want := map[string]int{"StatefulSet ledger": 2, "Job migrate": 1, "Job backup-now": 1}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("pods by owner (-want +got):\n%s", diff)
	}
}

// helm runs Helm as a person would.
func helm(t *testing.T, args ...string) {
	t.Helper()
	if _, err := tools.RunHelm(within(t), cluster, args...); err != nil {
		t.Fatal(err)
	}
}

// wantInjected wants a native sidecar, and all that the pod had.
func wantInjected(t *testing.T, pod corev1.Pod) {
	t.Helper()
	if diff := cmp.Diff([]string{"istio-init", "istio-proxy"}, names(pod.Spec.InitContainers)); diff != "" {
		t.Errorf("%s: init containers (-want +got):\n%s", pod.Name, diff)
	}
	if len(pod.Spec.Containers) != 1 || injectedBy(&pod) != "default" {
		t.Errorf("%s: injected by %q, containers %v", pod.Name, injectedBy(&pod), names(pod.Spec.Containers))
	}
}
