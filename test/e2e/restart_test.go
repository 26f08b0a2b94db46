package e2e_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"outrigger.dev/outrigger/test/e2e/injector"
)

// install makes an installation of the test's own, of a revision, and gives a
// namespace that it injects. Whatever happens to its server, no other test sees.
func install(t *testing.T, options injector.Options) (i *injector.Injector, namespace string) {
	t.Helper()
	i = prepare(t, options)
	if err := i.Start(within(t)); err != nil {
		t.Fatal(err)
	}
	return i, newNamespace(t, map[string]string{"istio.io/rev": options.Revision})
}

// prepare makes the installation and starts no server.
func prepare(t *testing.T, options injector.Options) *injector.Injector {
	t.Helper()
	options.Logs = logs
	i, err := injector.Prepare(within(t), cluster, tools, options)
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
	return i
}

// While the server is away failurePolicy decides; when it is back it serves by
// the authority that it had, so that nobody need be told.
func TestServerComesBackAfterItWasKilled(t *testing.T) {
	t.Parallel()
	server, namespace := install(t, injector.Options{Revision: "restart"})
	if got := injectedBy(mustCreate(t, namespace, newPod("before"))); got != "restart" {
		t.Errorf("before: injected by %q", got)
	}
	bundle := bundleOf(t, server)
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
	if bundleOf(t, server) != bundle {
		t.Error("the CA bundle is another one now")
	}
	if err := server.Stop(); err != nil {
		t.Errorf("asked to stop, the server ended with: %v", err)
	}
}

// A server that is asked to stop says so first and goes on serving, so that
// nobody who has not heard of it yet meets a closed door; who calls is told to
// call elsewhere next.
func TestServerServesOnWhileItStops(t *testing.T) {
	t.Parallel()
	server, namespace := install(t, injector.Options{Revision: "stop", Args: []string{"--shutdown-delay=10s"}})
	client := caller(t, server)
	stopped := make(chan error)
	go func() { stopped <- server.Stop() }()
	if err := server.Await(within(t), func(r injector.Readiness) bool { return r.Checks["running"].Why == "the server is stopping" }); err != nil {
		t.Fatal(err)
	}
	response, err := client.Post(server.URL()+"/inject", "application/json", strings.NewReader(review("v1", namespace, podWith("", ""))))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK || !response.Close {
		t.Errorf("answered with %s, to be closed %t, want 200 and yes", response.Status, response.Close)
	}
	if err := <-stopped; err != nil {
		t.Errorf("asked to stop, the server ended with: %v", err)
	}
}
