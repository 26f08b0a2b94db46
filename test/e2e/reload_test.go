package e2e_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"outrigger.dev/outrigger/test/e2e/injector"
)

// A configuration that marks what it injects.
func marking(mark string) string {
	return "policy: enabled\ncheckNamespace: true\ninjectedAnnotations:\n  example.com/mark: " + mark + "\n"
}

const broken = "policy: enabled\ntemplates:\n  sidecar: |\n    spec: {{ .Nonsense }\n"

// configure writes key config of an installation's ConfigMap.
func configure(t *testing.T, i *injector.Injector, config string) {
	t.Helper()
	patch, err := json.Marshal(map[string]any{"data": map[string]string{"config": config}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cluster.Client().CoreV1().ConfigMaps(injector.Namespace).
		Patch(within(t), i.ConfigMap(), types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
}

// await waits for what /readyz says of the configuration.
func await(t *testing.T, i *injector.Injector, wanted func(injector.Check) bool) {
	t.Helper()
	began := time.Now()
	if err := i.Await(within(t), func(r injector.Readiness) bool { return r.Ready && wanted(r.Checks["configuration"]) }); err != nil {
		t.Fatal(err)
	}
	t.Logf("in force after %s", time.Since(began).Round(10*time.Millisecond))
}

func refused(c injector.Check) bool  { return c.Refused != "" }
func accepted(c injector.Check) bool { return c.Refused == "" }

// The life of a configuration: a good change is in force at once; a broken one is
// not, and everybody who looks can see it; a server that starts on it serves from
// the last good one; and the next good one is in force again.
func TestConfigurationChanges(t *testing.T) {
	t.Parallel()
	server, namespace := install(t, injector.Options{Revision: "reload"})
	was := ""
	if err := server.Await(within(t), func(r injector.Readiness) bool {
		was = r.Checks["configuration"].Hash
		return was != ""
	}); err != nil {
		t.Fatal(err)
	}
	change := func(c injector.Check) bool { return accepted(c) && c.Hash != was }
	marked := func(pod, want string) {
		t.Helper()
		stored := mustCreate(t, namespace, newPod(pod))
		if got := stored.Annotations["example.com/mark"]; got != want || injectedBy(stored) != "reload" {
			t.Errorf("%s: marked %q, want %q; injected by %q", pod, got, want, injectedBy(stored))
		}
	}

	configure(t, server, marking("one"))
	await(t, server, change)
	marked("good", "one")

	configure(t, server, broken)
	await(t, server, refused)
	marked("broken", "one")
	wantRefusalSeen(t, server)

	if err := server.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := server.Start(within(t)); err != nil {
		t.Fatal(err)
	}
	await(t, server, func(c injector.Check) bool {
		return refused(c) && c.From == `last good version in configmap "outrigger-system/`+server.LastGood()+`"`
	})
	marked("restarted", "one")

	configure(t, server, marking("two"))
	await(t, server, accepted)
	marked("mended", "two")
}

// wantRefusalSeen wants the refusal in the metrics, in the log and as an event on
// the ConfigMap.
func wantRefusalSeen(t *testing.T, server *injector.Injector) {
	t.Helper()
	metrics, err := server.Metrics(within(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"\noutrigger_configuration_refused 1\n",
		"\noutrigger_configuration_reloads_total{result=\"refused\"} 1\n",
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("metrics lack %q", strings.TrimSpace(want))
		}
	}
	if log := server.LogTail(); !strings.Contains(log, `level=ERROR msg="configuration refused"`) {
		t.Errorf("the log does not say so:\n%s", log)
	}
	events, err := cluster.Client().CoreV1().Events(injector.Namespace).List(within(t), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(events.Items, func(e corev1.Event) bool {
		return e.InvolvedObject.Kind == "ConfigMap" && e.InvolvedObject.Name == server.ConfigMap() && e.Reason == "ConfigurationRefused"
	}) {
		t.Error("there is no event about the ConfigMap")
	}
}
