package chart_test

import (
	"os/exec"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// exits runs the command line, which has to end with a status, and gives what it printed.
func exits(t *testing.T, status int, args ...string) string {
	t.Helper()
	var out, said strings.Builder
	cmd := cli(within(t), args...)
	cmd.Stdout, cmd.Stderr = &out, &said
	err := cmd.Run()
	if _, ended := err.(*exec.ExitError); err != nil && !ended {
		t.Fatal(err)
	}
	if got := cmd.ProcessState.ExitCode(); got != status {
		t.Errorf("outrigger %s: status %d, want %d\n%s%s", strings.Join(args, " "), got, status, out.String(), said.String())
	}
	return out.String() + said.String()
}

// wantLines wants each line to be in a text, whole.
func wantLines(t *testing.T, text string, lines ...string) {
	t.Helper()
	for _, want := range lines {
		if !strings.Contains("\n"+text, "\n"+want+"\n") {
			t.Errorf("there is no line %q in\n%s", want, text)
		}
	}
}

// inTheWay are things in a cluster that an installation would founder on, or come to feel.
const inTheWay = `
apiVersion: v1
kind: Namespace
metadata: {name: precheck-strict, labels: {istio-injection: enabled, pod-security.kubernetes.io/enforce: baseline}}
---
apiVersion: v1
kind: Namespace
metadata: {name: precheck-full, labels: {istio-injection: enabled}}
---
apiVersion: v1
kind: ResourceQuota
metadata: {name: little, namespace: precheck-full}
spec: {hard: {requests.cpu: 50m, limits.memory: 8Gi}}
---
apiVersion: v1
kind: Namespace
metadata: {name: precheck-twice, labels: {istio-injection: disabled, istio.io/rev: canary}}
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingWebhookConfiguration
metadata: {name: precheck-other}
webhooks:
- name: other.example.com
  clientConfig: {url: "https://127.0.0.1:1"}
  sideEffects: None
  failurePolicy: Ignore
  timeoutSeconds: 1
  admissionReviewVersions: [v1]
  rules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingWebhookConfiguration
metadata: {name: precheck-elsewhere}
webhooks:
- name: other.example.com
  clientConfig: {url: "https://127.0.0.1:1"}
  sideEffects: None
  failurePolicy: Ignore
  timeoutSeconds: 1
  admissionReviewVersions: [v1]
  rules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]
  namespaceSelector: {matchLabels: {example.com/asked: "true"}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: precheck-reader}
rules:
- {apiGroups: ["*"], resources: ["*"], verbs: [get, list, watch]}
- {apiGroups: [apps], resources: [deployments], verbs: [patch]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: precheck-reader}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: precheck-reader}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: reader}]
`

// What is in the way of an installation, or would be felt by it, is found before it.
func TestPrecheckFindsWhatIsInTheWay(t *testing.T) {
	if out, err := kubectlOn(t, inTheWay, "create"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Cleanup(func() {
		if out, err := kubectlOn(t, inTheWay, "delete"); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	})
	kubectl(t, "wait", "resourcequota/little", "--namespace=precheck-full", "--for=jsonpath={.status.hard.requests\\.cpu}=50m", "--timeout=90s")

	found := exits(t, 79, "precheck")
	wantLines(t, found,
		"info\treach\twebhook\tnothing is installed that the API server could be asked to reach: install asks, before any pod depends on it",
		"info\twebhooks\tMutatingWebhookConfiguration precheck-other\tis asked about the same pods; what it adds later is injected, too",
		"warning\tlabels\tNamespace precheck-twice\tlabelled istio-injection=disabled and istio.io/rev=canary: the first one counts (kubectl label namespace precheck-twice istio.io/rev-)",
		"warning\tquota\tResourceQuota precheck-full/little\trequests.cpu: the sidecars of one pod need 100m, and 50m is left",
		`warning	pod-security	Namespace precheck-strict	Pod Security "baseline" of this namespace forbids istio-init: let a CNI plugin redirect (pilot.cni.enabled=true) (--set pilot.cni.enabled=true, with Istio's CNI plugin on the nodes)`,
	)
	if strings.Contains(found, "precheck-elsewhere") || strings.Contains(found, "limits.memory") || strings.Contains(found, "error\t") {
		t.Errorf("what is not in the way is found, too:\n%s", found)
	}
	exits(t, 0, "precheck", "--failure-threshold", "error")
	if found := exits(t, 79, "precheck", "--set", "pilot.cni.enabled=true", "-o", "yaml"); strings.Contains(found, "pod-security") || !strings.Contains(found, "\nkind: FindingList\n") {
		t.Errorf("with a CNI plugin nothing violates Pod Security:\n%s", found)
	}

	t.Run("the caller's rights", func(t *testing.T) {
		found := exits(t, 79, "precheck", "--as", "reader", "--output-threshold", "error")
		wantLines(t, found,
			`error	rights	Secret outrigger-system/outrigger-injector-authority	secrets "outrigger-injector-authority" is forbidden: User "reader" cannot patch resource "secrets" in API group "" in the namespace "outrigger-system"`,
			`error	rights	ClusterRole outrigger-injector	clusterroles.rbac.authorization.k8s.io "outrigger-injector" is forbidden: User "reader" cannot patch resource "clusterroles" in API group "rbac.authorization.k8s.io" at the cluster scope`,
			`error	rights	MutatingWebhookConfiguration outrigger-injector	mutatingwebhookconfigurations.admissionregistration.k8s.io "outrigger-injector" is forbidden: User "reader" cannot patch resource "mutatingwebhookconfigurations" in API group "admissionregistration.k8s.io" at the cluster scope`,
		)
		found = exits(t, 79, "precheck", "--as", "reader", "--output-threshold", "error", "--namespace", "not-there-yet")
		wantLines(t, found, "error\trights\tDeployment not-there-yet/outrigger-injector\tyou may not create deployments.apps in namespace not-there-yet")
		wantLines(t, exits(t, 1, "precheck", "--as", "nobody"),
			`error: releases of Helm's: list: failed to list: secrets is forbidden: User "nobody" cannot list resource "secrets" in API group "" in the namespace "outrigger-system"`)
	})
	t.Run("cert-manager", func(t *testing.T) {
		mode := []string{"precheck", "--set", "certificates.mode=certManager", "--failure-threshold", "error"}
		kubectl(t, "label", "customresourcedefinition", "certificates.cert-manager.io", "app.kubernetes.io/version=v1.21.2")
		t.Cleanup(func() {
			kubectl(t, "label", "customresourcedefinition", "certificates.cert-manager.io", "app.kubernetes.io/version-")
		})
		wantLines(t, exits(t, 0, mode...), "info\tcert-manager\tAPI server\tcert-manager v1.21.2")
		withoutCertManager(t)
		found := exits(t, 79, mode...)
		wantLines(t, found, "error\tcert-manager\tAPI server\tcert-manager is not installed, and certificates.mode is certManager (install cert-manager, or --set certificates.mode=selfSigned)")
		if n := strings.Count(found, "error\t"); n != 1 {
			t.Errorf("%d errors, want that alone:\n%s", n, found)
		}
	})
}

// withoutCertManager takes cert-manager's kinds away for a test.
func withoutCertManager(t *testing.T) {
	t.Helper()
	kinds := []string{"customresourcedefinition/certificates.cert-manager.io", "customresourcedefinition/issuers.cert-manager.io"}
	var list unstructured.UnstructuredList
	if err := list.UnmarshalJSON([]byte(kubectl(t, append([]string{"get", "-o", "json"}, kinds...)...))); err != nil {
		t.Fatal(err)
	}
	kubectl(t, append([]string{"delete"}, kinds...)...)
	t.Cleanup(func() {
		for _, kind := range list.Items {
			again := unstructured.Unstructured{Object: map[string]any{"spec": kind.Object["spec"]}}
			again.SetGroupVersionKind(kind.GroupVersionKind())
			again.SetName(kind.GetName())
			again.SetLabels(kind.GetLabels())
			text, err := again.MarshalJSON()
			if err != nil {
				t.Fatal(err)
			}
			if out, err := kubectlOn(t, string(text), "create"); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		}
		kubectl(t, append([]string{"wait", "--for=condition=Established", "--timeout=60s"}, kinds...)...)
	})
}
