package chart_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"outrigger.dev/outrigger/inject"
	"outrigger.dev/outrigger/test/e2e/injector"
)

// Pods that missed their sidecars while no injector answered: the detector counts them
// and leaves an event on their ReplicaSet; the command line lists them, evicts none while
// a new pod would miss its sidecar as well, and afterwards has new ones made of those
// that somebody makes anew.
func TestMissedPodsAreFoundAndReplaced(t *testing.T) {
	outrigger := func(args ...string) (stdout, stderr string, err error) {
		var out, said strings.Builder
		cmd := cli(within(t), args...)
		cmd.Stdout, cmd.Stderr = &out, &said
		err = cmd.Run()
		return out.String(), said.String(), err
	}
	if _, said, err := outrigger("missed"); err == nil || !strings.Contains(said, "there is no webhook configuration of Outrigger's in this cluster\nhint: helm install") {
		t.Errorf("without an installation: %v\n%s", err, said)
	}
	i, err := injector.Install(within(t), cluster, helms["Helm 4"], injector.Options{
		Revision: "lost", Logs: t.TempDir(), Values: []string{"webhook.failurePolicy=Ignore", "detector.enabled=true", "nativeSidecars=true"},
		Args: []string{"--detector", "--detector-interval=1s", "--native-sidecars=true"},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = i.Uninstall(within(t)) })
	namespace := newNamespaces(t, map[string]string{"istio.io/rev": "lost"})[0].Name
	if _, said, err := outrigger("missed", "-n", namespace); err != nil || said != fmt.Sprintf("note: no pod misses its sidecar in namespace %q\n", namespace) {
		t.Errorf("before there is a pod: %v\n%s", err, said)
	}

	if err := i.Stop(); err != nil {
		t.Fatal(err)
	}
	if out, err := kubectlOn(t, fmt.Sprintf(lostWorkloads, namespace), "create"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	kubectl(t, "rollout", "status", "deployment/web", "--timeout=90s", "--namespace", namespace)
	list, said, err := outrigger("missed", "-n", namespace)
	lines := strings.Split(strings.TrimSpace(list), "\n")
	if err != nil || said != "" || len(lines) != 3 ||
		!strings.HasPrefix(lines[0], namespace+"\talone\tPod/alone\tpod-label\t") || !strings.HasPrefix(lines[1], namespace+"\tweb-") || !strings.Contains(lines[1], "\tDeployment/web\tpolicy\t") {
		t.Fatalf("listed with %v:\n%s%s", err, said, list)
	}
	wantMissedJSON(t, outrigger, namespace)
	if list, said, err := outrigger("missed", "-n", namespace, "-l", "app=web"); err != nil || said != "" || strings.Count(list, "\n") != 2 || strings.Contains(list, "alone") {
		t.Errorf("by label, listed with %v:\n%s%s", err, said, list)
	}
	_, said, err = outrigger("missed", "-n", namespace, "--evict", "-y")
	if err == nil || !strings.Contains(said, "/alone: nothing would make it anew\n") || strings.Count(said, ": a new pod would not be injected either\n") != 2 ||
		!strings.HasSuffix(said, "error: no pod can be evicted\n") {
		t.Errorf("evicted while no injector answers: %v\n%s", err, said)
	}

	if err := i.Start(within(t)); err != nil {
		t.Fatal(err)
	}
	await(t, "the detector counts three pods", func() bool {
		return strings.Contains(scrape(t, i), "outrigger_missing_sidecar_pods{reason=\"pod-label\"} 1\noutrigger_missing_sidecar_pods{reason=\"policy\"} 2\n")
	})
	await(t, "there are events", func() bool {
		events := kubectl(t, "get", "events", "--namespace", namespace, "--field-selector=reason=SidecarMissing", "-o", "jsonpath={range .items[*]}{.involvedObject.kind}: {.message}{\"\\n\"}{end}")
		return strings.Contains(events, "Pod: pod alone has no sidecar") && strings.Contains(events, "ReplicaSet: 2 pods, ") &&
			strings.Contains(events, "to mend it: kubectl -n "+namespace+" rollout restart deployment web") && strings.Count(events, "\n") == 2
	})
	if _, said, err := outrigger("missed", "-n", namespace, "--evict"); err == nil || !strings.Contains(said, "error: nobody is there to ask\nhint: outrigger missed --evict -y\n") {
		t.Errorf("evicted without asking: %v\n%s", err, said)
	}
	done, said, err := outrigger("missed", "-A", "--evict", "-y", "--pause", "0s")
	if err != nil || strings.Count(done, "evicted "+namespace+"/web-") != 2 || strings.Count(done, "\n") != 2 {
		t.Fatalf("evicted with %v:\n%s%s", err, said, done)
	}
	await(t, "the new pods are injected", func() bool {
		pods, err := cluster.Client().CoreV1().Pods(namespace).List(within(t), metav1.ListOptions{LabelSelector: "app=web"})
		if err != nil {
			t.Fatal(err)
		}
		injected := 0
		for _, pod := range pods.Items {
			if inject.Injected(&pod) {
				injected++
			}
		}
		return injected == 2
	})
	await(t, "the detector counts the one that nobody makes anew", func() bool {
		return strings.Contains(scrape(t, i), "outrigger_missing_sidecar_pods{reason=\"pod-label\"} 1\noutrigger_missing_sidecar_pods{reason=\"policy\"} 0\n")
	})
}

// lostWorkloads are a Deployment, and a pod of nobody's that asks for a sidecar.
const lostWorkloads = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: %[1]s}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: app, image: "example.com/app:1"}]}
---
apiVersion: v1
kind: Pod
metadata: {name: alone, namespace: %[1]s, labels: {sidecar.istio.io/inject: "true"}}
spec: {containers: [{name: app, image: "example.com/app:1"}]}
`

// wantMissedJSON wants the list as JSON to have what a script would ask for.
func wantMissedJSON(t *testing.T, outrigger func(...string) (string, string, error), namespace string) {
	t.Helper()
	text, _, err := outrigger("missed", "-n", namespace, "-o", "json")
	if err != nil {
		t.Fatal(err)
	}
	type item struct {
		Namespace, Pod, Reason, Sentence, Entry string
		Owner                                   struct{ Kind, Name string }
	}
	var list struct {
		APIVersion, Kind string
		Pods             []item
	}
	if err := json.Unmarshal([]byte(text), &list); err != nil || list.APIVersion != "cli.outrigger.dev/v1" || list.Kind != "MissedPodList" {
		t.Fatalf("%v\n%s", err, text)
	}
	all := list.Pods
	want := item{
		Namespace: namespace, Pod: "alone", Reason: "pod-label", Sentence: `the pod's label sidecar.istio.io/inject is "true"`,
		Entry: "outrigger-injector-lost/rev-namespace",
	}
	want.Owner.Kind, want.Owner.Name = "Pod", "alone"
	if diff := cmp.Diff(want, all[0]); diff != "" {
		t.Errorf("first of %d items (-want +got):\n%s", len(all), diff)
	}
}

// scrape is what Prometheus reads of a server.
func scrape(t *testing.T, i *injector.Injector) string {
	t.Helper()
	text, err := i.Metrics(within(t))
	if err != nil {
		t.Fatal(err)
	}
	return text
}
