package e2e_test

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"testing"
)

// wantStatus wants "outrigger status" to say of each pod, by NAMESPACE/NAME, that it is in
// the state that follows from what the API server has stored: injected, and as a new one
// would be, skipped, or missed. Of the revision foretold it cannot know what the server
// was told by flags alone: its pods may differ.
func (l *lookedAt) wantStatus(t *testing.T, states map[string]string) {
	t.Helper()
	var errs bytes.Buffer
	cmd := exec.CommandContext(within(t), l.commandLine(t), "status", "-A", "-o", "json", "--kubeconfig", cluster.Kubeconfig())
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("status: %v\n%s", err, errs.Bytes())
	}
	var status struct {
		Workloads []struct {
			Namespace, Name, State, Sentence string
			Differences                      []struct{ Path string }
		}
	}
	if err := json.Unmarshal(out, &status); err != nil {
		t.Fatalf("status: %v\n%s", err, out)
	}
	seen := map[string]int{}
	for _, w := range status.Workloads {
		name := w.Namespace + "/" + w.Name
		want, ours := states[name]
		if !ours {
			continue
		}
		seen[w.State]++
		if w.State == "outdated" && want == "injected" && l.labels[w.Namespace]["istio.io/rev"] == "foretold" {
			continue
		}
		if w.State != want {
			t.Errorf("namespace %v: %s is %s (%s; %v), want %s", l.labels[w.Namespace], name, w.State, w.Sentence, w.Differences, want)
		}
	}
	t.Logf("status of %d pods: %v", len(states), seen)
	if all := seen["injected"] + seen["skipped"] + seen["missed"] + seen["outdated"]; all != len(states) {
		t.Errorf("status of %d pods, want of %d", all, len(states))
	}
}
