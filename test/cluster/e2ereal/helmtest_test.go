package e2ereal_test

import (
	"strings"
	"testing"

	"outrigger.dev/outrigger/test/cluster/outrigger"
)

// "helm test" looks at the installation from a pod of it, the whole way of a pod that is
// created included, and leaves nothing behind.
func TestHelmTestSaysThatItWorks(t *testing.T) {
	c := real(t) // before tests that take replicas away: those run in parallel
	said, err := outrigger.Helm(within(t), c, "test", outrigger.Release, "--namespace", outrigger.Namespace, "--logs")
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("helm test:\n%s", said)
	for _, want := range []string{
		"ok: webhook: ", "ok: caBundle: ", ": 2 of 2 replicas are ready\n", ": leads to 2 addresses\n",
		`ok: canary: the API server reaches the webhook, asked by a dry run in namespace "outrigger-test"`,
	} {
		if !strings.Contains(said, want) {
			t.Errorf("it does not say %q", want)
		}
	}
	if ready := strings.Count(said, "ok: readiness: pod "); ready != 2 {
		t.Errorf("%d replicas say that they are ready, want 2", ready)
	}
	left := kubectl(t, "get", "namespaces,pods,serviceaccounts,roles,rolebindings,clusterroles,clusterrolebindings", "--all-namespaces",
		"-o", "name", "-l", "app.kubernetes.io/name=outrigger-test")
	if strings.TrimSpace(left) != "" {
		t.Errorf("left behind:\n%s", left)
	}
}
