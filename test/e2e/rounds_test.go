package e2e_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"outrigger.dev/outrigger/test/controlplane"
	"outrigger.dev/outrigger/test/e2e/injector"
)

// wantCalls reads in the audit log that the server was asked twice, and changed
// the pod again only where somebody else had added something in between. (What the
// API server itself adds in between, such as the token's mount, is no reason.)
func wantCalls(t *testing.T, server *injector.Injector, pod *corev1.Pod, changed bool) {
	t.Helper()
	event, err := cluster.WaitForAudit(within(t), func(e controlplane.AuditEvent) bool {
		return e.Verb == "create" && e.ObjectRef.Resource == "pods" && e.ObjectRef.Subresource == "" && e.ObjectRef.Namespace == pod.Namespace
	})
	if err != nil {
		t.Fatal(err)
	}
	mutated := append(mutations(t, event, 0, server.Name()), mutations(t, event, 1, server.Name())...)
	if diff := cmp.Diff([]bool{true, changed}, mutated); diff != "" {
		t.Errorf("calls that changed the pod (-want +got):\n%s", diff)
	}
}

// mutations says for each call of a configuration's entries in a round (there are
// two, the second for those who want to be asked again) whether it changed the pod.
func mutations(t *testing.T, event controlplane.AuditEvent, round int, configuration string) []bool {
	t.Helper()
	var found []bool
	for key, value := range event.Annotations {
		if !strings.HasPrefix(key, fmt.Sprintf("mutation.webhook.admission.k8s.io/round_%d_", round)) {
			continue
		}
		var asked struct {
			Configuration string
			Mutated       bool
		}
		if err := json.Unmarshal([]byte(value), &asked); err != nil {
			t.Fatal(err)
		}
		if asked.Configuration == configuration {
			found = append(found, asked.Mutated)
		}
	}
	return found
}

// wantSecondCallsIdle reads in the audit log that the first installation was asked
// twice about pods of a namespace, as it is about all whom the API server gives a
// token, and changed none the second time.
func wantSecondCallsIdle(t *testing.T, namespace string) {
	t.Helper()
	events, err := cluster.AuditEvents()
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	for _, event := range events {
		if event.ObjectRef.Namespace != namespace || event.ObjectRef.Resource != "pods" {
			continue
		}
		second := mutations(t, event, 1, first.Name())
		asked += len(second)
		if slices.Contains(second, true) {
			t.Errorf("%s: the second call changed it", podName(event))
		}
	}
	if asked == 0 {
		t.Error("nobody was asked twice: nothing was shown")
	}
}
