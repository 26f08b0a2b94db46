package chart_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admissionregistration/v1"
)

// istiosConfiguration is a webhook configuration as an istiod's chart makes it for a
// revision: its five entries, by the tables of Istio's documentation. The Service is not
// there, so that a pod it is asked about is refused.
func istiosConfiguration() string {
	var b strings.Builder
	b.WriteString(`
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingWebhookConfiguration
metadata:
  name: istio-sidecar-injector
  labels: {istio.io/rev: default, app: sidecar-injector}
webhooks:
`)
	for _, entry := range []struct{ prefix, namespace, object string }{
		{"rev.namespace", "{key: istio.io/rev, operator: In, values: [default]}, {key: istio-injection, operator: DoesNotExist}", "{key: sidecar.istio.io/inject, operator: NotIn, values: ['false']}"},
		{"rev.object", "{key: istio.io/rev, operator: DoesNotExist}, {key: istio-injection, operator: DoesNotExist}", "{key: sidecar.istio.io/inject, operator: NotIn, values: ['false']}, {key: istio.io/rev, operator: In, values: [default]}"},
		{"namespace", "{key: istio-injection, operator: In, values: [enabled]}", "{key: sidecar.istio.io/inject, operator: NotIn, values: ['false']}"},
		{"object", "{key: istio-injection, operator: DoesNotExist}, {key: istio.io/rev, operator: DoesNotExist}", "{key: sidecar.istio.io/inject, operator: In, values: ['true']}, {key: istio.io/rev, operator: DoesNotExist}"},
	} {
		fmt.Fprintf(&b, `- name: %s.sidecar-injector.istio.io
  clientConfig: {service: {name: istiod, namespace: istio-system, path: /inject, port: 443}}
  sideEffects: None
  failurePolicy: Ignore
  admissionReviewVersions: [v1]
  rules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]
  namespaceSelector: {matchExpressions: [%s]}
  objectSelector: {matchExpressions: [%s]}
`, entry.prefix, entry.namespace, entry.object)
	}
	return b.String()
}

// istiosMaps are the ConfigMaps of an istiod, as far as injection needs them.
const istiosMaps = `
apiVersion: v1
kind: ConfigMap
metadata: {name: istio-sidecar-injector, namespace: istio-system}
data:
  config: |
    policy: enabled
    defaultTemplates: [sidecar]
    templates:
      sidecar: |
        metadata: {labels: {from: istiods-template}}
        spec: {initContainers: [{name: istio-proxy, image: proxy, restartPolicy: Always}]}
  values: '{"global": {"proxy": {}}}'
---
apiVersion: v1
kind: ConfigMap
metadata: {name: istio, namespace: istio-system}
data: {mesh: "{}"}
`

// Outrigger takes over from an istiod, which is left as it was but for matching nothing,
// and gives it back.
func TestIstiodIsTakenOverAndGivenBack(t *testing.T) {
	for _, manifests := range []string{istiosMaps, istiosConfiguration()} {
		if out, err := kubectlOn(t, manifests, "apply"); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		t.Cleanup(func() {
			if out, err := kubectlOn(t, manifests, "delete"); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
	before := istiosEntries(t)
	values, start := beside(t, "--istio-config=istio-system", "--proxy-configs=true")
	start()
	out, err := cli(within(t), "precheck", "-f", values).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "this istiod injects the same pods (outrigger install --adopt-istio)") {
		t.Errorf("precheck: %v\n%s", err, out)
	}
	outrigger(t, "install", "-f", values, "--adopt-istio", "-y")
	for _, entry := range istiosEntries(t) {
		if !slices.Contains(entry.MatchConditions, admissionv1.MatchCondition{Name: "outrigger-adopted", Expression: "false"}) {
			t.Errorf("%s is on: %v", entry.Name, entry.MatchConditions)
		}
	}
	namespace := enabledNamespace(t)
	kubectl(t, "run", "app", "--image=app", "--namespace", namespace)
	if label := kubectl(t, "get", "pod", "app", "--namespace", namespace, "-o", "jsonpath={.metadata.labels.from}"); label != "istiods-template" {
		t.Errorf("the pod is not of istiod's template: %q", label)
	}
	// Whoever applies istiod's chart once more does not switch it on.
	if out, err := kubectlOn(t, istiosConfiguration(), "apply"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if entry := istiosEntries(t)[0]; len(entry.MatchConditions) != 1 {
		t.Errorf("%s: conditions %v", entry.Name, entry.MatchConditions)
	}
	outrigger(t, "uninstall", "--purge", "-y")
	wantNothingLeft(t)
	if diff := cmp.Diff(before, istiosEntries(t)); diff != "" {
		t.Errorf("istiod's entries (-before +given back):\n%s", diff)
	}
}

func istiosEntries(t *testing.T) []admissionv1.MutatingWebhook {
	t.Helper()
	var c admissionv1.MutatingWebhookConfiguration
	if err := json.Unmarshal([]byte(kubectl(t, "get", "mutatingwebhookconfiguration", "istio-sidecar-injector", "-o", "json")), &c); err != nil {
		t.Fatal(err)
	}
	return c.Webhooks
}
