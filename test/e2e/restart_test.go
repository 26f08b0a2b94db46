package e2e_test

import (
	"context"
	"strings"
	"testing"

	"outrigger.dev/outrigger/test/e2e/injector"
)

// install makes an installation of the test's own, of a revision, and gives a
// namespace that it injects. Whatever happens to its server, no other test sees.
func install(t *testing.T, revision string, values ...string) (i *injector.Injector, namespace string) {
	t.Helper()
	i, err := injector.Install(within(t), cluster, tools, injector.Options{Revision: revision, Values: values, Logs: logs})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the last that %s said:\n%s", i.Name(), i.LogTail())
		}
		// The test's own context has ended.
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		defer cancel()
		if err := i.Uninstall(ctx); err != nil {
			t.Error(err)
		}
	})
	return i, newNamespace(t, map[string]string{"istio.io/rev": revision})
}

// While the server is away failurePolicy decides; when it is back it serves by
// the authority that it had, so that nobody need be told.
func TestServerComesBackAfterItWasKilled(t *testing.T) {
	t.Parallel()
	server, namespace := install(t, "restart")
	if got := injectedBy(mustCreate(t, namespace, newPod("before"))); got != "restart" {
		t.Errorf("before: injected by %q", got)
	}
	bundle := kubectl(t, "get", "mutatingwebhookconfiguration", server.Name(), "-o", "jsonpath={.webhooks[*].clientConfig.caBundle}")
	if err := server.Kill(); err != nil {
		t.Fatal(err)
	}
	if got := create(t, namespace, newPod("meanwhile")); got.Err == nil || !strings.Contains(got.Err.Error(), "failed calling webhook") {
		t.Errorf("meanwhile: created with %v, want a call that failed", got.Err)
	}
	if err := server.Start(within(t)); err != nil {
		t.Fatal(err)
	}
	if got := injectedBy(mustCreate(t, namespace, newPod("after"))); got != "restart" {
		t.Errorf("after: injected by %q", got)
	}
	if again := kubectl(t, "get", "mutatingwebhookconfiguration", server.Name(), "-o", "jsonpath={.webhooks[*].clientConfig.caBundle}"); again != bundle {
		t.Error("the CA bundle is another one now")
	}
	if err := server.Stop(); err != nil {
		t.Errorf("asked to stop, the server ended with: %v", err)
	}
}
