package e2e_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os/exec"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// lookedAt is what analyze has to find in namespaces that a test has filled.
type lookedAt struct {
	// labels are those of namespaces, by their names.
	labels map[string]map[string]string
	// missed are the pods, as NAMESPACE/NAME, that miss their sidecar.
	missed []string

	cli string
}

// commandLine is the path of the command line, which is built once.
func (l *lookedAt) commandLine(t *testing.T) string {
	t.Helper()
	if l.cli == "" {
		built, err := tools.BuildCLI(t.Context(), t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		l.cli = built.CLI
	}
	return l.cli
}

// leave makes a namespace with pods that nobody injected, and gives it labels only then:
// those of the pods miss their sidecar that the API server has injected where the labels
// were there before.
func (l *lookedAt) leave(t *testing.T, labels map[string]string, pods []*corev1.Pod, injected []string) {
	t.Helper()
	namespace := newNamespace(t, map[string]string{"istio-injection": "disabled"})
	for _, pod := range pods {
		mustCreate(t, namespace, pod.DeepCopy())
	}
	wanted := map[string]any{"istio-injection": nil}
	for key, value := range labels {
		wanted[key] = value
	}
	text, err := json.Marshal(map[string]any{"metadata": map[string]any{"labels": wanted}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = cluster.Client().CoreV1().Namespaces().Patch(within(t), namespace, types.MergePatchType, text, metav1.PatchOptions{})
	if err != nil {
		t.Fatal(err)
	}
	l.labels[namespace] = labels
	for _, name := range injected {
		l.missed = append(l.missed, namespace+"/"+name)
	}
}

// wantAgreement wants analyze to find just the pods that miss their sidecar, and no pod
// that the API server has asked about to be another than a new one would be. What the
// server of the revision foretold was told by flags alone cannot be known to who asks the
// cluster.
func (l *lookedAt) wantAgreement(t *testing.T) {
	t.Helper()
	missed := l.found(t)["PodMissed"]
	slices.Sort(missed)
	slices.Sort(l.missed)
	if diff := cmp.Diff(l.missed, missed); diff != "" {
		t.Errorf("pods that miss a sidecar (-by what the API server stored +by analyze):\n%s", diff)
	}
	if len(missed) == 0 {
		t.Error("no pod misses a sidecar: nothing was shown")
	}
}

// found is what "outrigger analyze" finds about pods in the namespaces, by the finding's
// name.
func (l *lookedAt) found(t *testing.T) map[string][]string {
	t.Helper()
	var errs bytes.Buffer
	cli := l.commandLine(t) // which takes time of its own
	cmd := exec.CommandContext(within(t), cli, "analyze", "-A", "-o", "json", "--kubeconfig", cluster.Kubeconfig())
	cmd.Stderr = &errs
	out, err := cmd.Output()
	const findings = 79
	if ended := new(exec.ExitError); err != nil && !(errors.As(err, &ended) && ended.ExitCode() == findings) {
		t.Fatalf("analyze: %v\n%s", err, errs.Bytes())
	}
	var analysis struct {
		Findings []struct {
			Name, Message string
			Object        struct{ Namespace, Name string }
		}
	}
	if err := json.Unmarshal(out, &analysis); err != nil {
		t.Fatalf("analyze: %v\n%s", err, out)
	}
	found := map[string][]string{}
	for _, f := range analysis.Findings {
		labels, ours := l.labels[f.Object.Namespace]
		if !ours || f.Object.Name == "" {
			continue
		}
		if f.Name == "PodOutdated" && labels["istio.io/rev"] != "foretold" {
			t.Errorf("namespace %v, pod %s: %s, and was stored just now", labels, f.Object.Name, f.Message)
		}
		found[f.Name] = append(found[f.Name], f.Object.Namespace+"/"+f.Object.Name)
	}
	return found
}
