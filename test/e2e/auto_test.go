package e2e_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"outrigger.dev/outrigger/test/e2e/injector"
)

// The one cell that the tables leave to a value of the chart: neither the
// namespace nor the pod says anything. The value is switched on and off by
// upgrades, which leave the CA bundle as it is.
//
// It is not parallel: while it is on, every pod that says nothing is injected.
func TestNamespacesByDefault(t *testing.T) {
	before := bundleOf(t, first)
	if err := first.Upgrade(within(t), "sidecarInjectorWebhook.enableNamespacesByDefault=true"); err != nil {
		t.Fatal(err)
	}
	silent := newNamespace(t, nil)
	awaitInjected(t, silent, "default")

	want := map[string]string{"none": "default", "true": "default", "false": "", "yes": "", "rev=default": "default"}
	got := map[string]string{}
	for title := range want {
		pod := newPod("cell", labelled(labelsOf(title, "sidecar.istio.io/inject")))
		pod.Name, pod.GenerateName = "", "cell-"
		got[title] = injectedBy(mustCreate(t, silent, pod))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("in a namespace that says nothing (-want +got):\n%s", diff)
	}
	for _, row := range []string{"disabled", "rev=elsewhere"} {
		if got := injectedBy(mustCreate(t, newNamespace(t, labelsOf(row, "istio-injection")), newPod("pod"))); got != "" {
			t.Errorf("namespace %s: injected by %q", row, got)
		}
	}
	if err := first.Upgrade(within(t)); err != nil {
		t.Fatal(err)
	}
	awaitInjected(t, silent, "")
	if after := bundleOf(t, first); after != before {
		t.Error("the upgrades changed the CA bundle")
	}
}

// bundleOf is the CA bundle of every entry of an installation, in base64.
func bundleOf(t *testing.T, i *injector.Injector) string {
	t.Helper()
	return kubectl(t, "get", "mutatingwebhookconfiguration", i.Name(), "-o", "jsonpath={.webhooks[*].clientConfig.caBundle}")
}

// awaitInjected creates pods until one is injected by a revision, or by none. The
// API server takes a moment to hear of changed webhooks.
func awaitInjected(t *testing.T, namespace, revision string) {
	t.Helper()
	ctx := within(t)
	for n := 0; ; n++ {
		if injectedBy(mustCreate(t, namespace, newPod(fmt.Sprintf("await-%s%d", revision, n)))) == revision {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%d pods, and none injected by %q", n, revision)
		case <-time.After(100 * time.Millisecond):
		}
	}
}
