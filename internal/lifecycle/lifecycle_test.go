// Inside the package: what is tested here is behind verbs that need a cluster, and has no
// name outside.
package lifecycle

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// An entry is switched off by one more condition, and is as it was after that is taken
// away; the canary's is never.
func TestConditionIsAddedAndTakenAway(t *testing.T) {
	before := &admissionv1.MutatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: "c", ResourceVersion: "7", Annotations: map[string]string{"a": "b"}},
		Webhooks: []admissionv1.MutatingWebhook{
			{Name: "none"},
			{Name: "some", MatchConditions: []admissionv1.MatchCondition{{Name: "x", Expression: "true"}}},
			{Name: canaryEntry},
		},
	}
	off := patched(t, before, conditionPatch(before, paused, "since today", true))
	if !isOff(off, paused) || hasCondition(off.Webhooks[2], paused) || off.Annotations["outrigger.dev/paused"] != "since today" {
		t.Errorf("not off: %+v", off)
	}
	if again := conditionPatch(off, paused, "since later", true); again != nil {
		t.Errorf("done twice it changes something: %s", again)
	}
	on := patched(t, off, conditionPatch(off, paused, "", false))
	on.Webhooks[0].MatchConditions = nil // an empty list is none
	if diff := cmp.Diff(before, on); diff != "" {
		t.Errorf("(-before +given back):\n%s", diff)
	}
}

func patched(t *testing.T, c *admissionv1.MutatingWebhookConfiguration, patch []byte) *admissionv1.MutatingWebhookConfiguration {
	t.Helper()
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	operations, err := jsonpatch.DecodePatch(patch)
	if err != nil {
		t.Fatalf("%v: %s", err, patch)
	}
	if text, err = operations.Apply(text); err != nil {
		t.Fatalf("%v: %s", err, patch)
	}
	var after admissionv1.MutatingWebhookConfiguration
	if err := json.Unmarshal(text, &after); err != nil {
		t.Fatal(err)
	}
	return &after
}

// Only the named configurations are held, and every entry of them but the canary's.
func TestHold(t *testing.T) {
	const rendered = `---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingWebhookConfiguration
metadata: {name: held}
webhooks: [{name: a}, {name: b, matchConditions: [{name: x, expression: "true"}]}, {name: canary.injector.outrigger.dev}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingWebhookConfiguration
metadata: {name: other}
webhooks: [{name: a}]
`
	out, err := (&hold{[]string{"held"}}).Run(bytes.NewBufferString(rendered))
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(out.String(), "outrigger-not-ready"); got != 2 {
		t.Errorf("%d entries are held, want 2:\n%s", got, out)
	}
}

// What "helm test" makes is there while that runs, and in no manifest of an installation.
func TestManifestHasNoHooks(t *testing.T) {
	all, err := Render(Values{}, DefaultNamespace)
	if err != nil || len(all) < 10 {
		t.Fatalf("%d objects, %v", len(all), err)
	}
	for _, m := range all {
		if hook := m.Object.GetAnnotations()["helm.sh/hook"]; hook != "" {
			t.Errorf("%s is a hook of Helm's: %s", m.Title(), hook)
		}
	}
}

func TestOwnerOf(t *testing.T) {
	for name, tc := range map[string]struct {
		annotations, labels map[string]string
		writers             []metav1.ManagedFieldsEntry
		want                string
	}{
		"ours":                      {annotations: map[string]string{releaseNameKey: "outrigger", releaseNamespaceKey: "ns"}},
		"ours in another namespace": {annotations: map[string]string{releaseNameKey: "outrigger", releaseNamespaceKey: "b"}, want: `the Helm release "outrigger" in namespace "b"`},
		"another release's":         {annotations: map[string]string{releaseNameKey: "mesh", releaseNamespaceKey: "ns"}, want: `the Helm release "mesh" in namespace "ns"`},
		"an application of Argo CD": {annotations: map[string]string{"argocd.argoproj.io/tracking-id": "mesh:apps/Deployment:ns/x"}, want: `the application "mesh" of Argo CD`},
		"a Kustomization of Flux":   {labels: map[string]string{"kustomize.toolkit.fluxcd.io/name": "mesh"}, want: `the Kustomization "mesh" of Flux`},
		"written by hand, its status kept by another": {
			writers: []metav1.ManagedFieldsEntry{
				{Manager: "kube-controller-manager", Subresource: "status"}, {Manager: "kubectl-client-side-apply"}, {Manager: "mesh"},
			},
			want: `no Helm release: "kubectl-client-side-apply" wrote it`,
		},
		"nobody's, as far as it says": {want: "no Helm release"},
	} {
		t.Run(name, func(t *testing.T) {
			o := &unstructured.Unstructured{Object: map[string]any{}}
			o.SetAnnotations(tc.annotations)
			o.SetLabels(tc.labels)
			o.SetManagedFields(tc.writers)
			if diff := cmp.Diff(tc.want, ownerOf(o, "outrigger", "ns")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestServerCommand(t *testing.T) {
	notes := "Outrigger is installed. Next:\n\n  # start it\n  outrigger-injector --kubeconfig=FILE --namespace=ns \\\n    --config-map=outrigger\n\n  # then\n"
	if diff := cmp.Diff("outrigger-injector --kubeconfig=FILE --namespace=ns --config-map=outrigger", serverCommand(notes)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// All values of a profile, given back as flags, are that profile.
func TestFlagsAreTheValuesThatTheyCameOf(t *testing.T) {
	for _, p := range Profiles() {
		values, err := Complete(Values{"profile": p.Name})
		if err != nil {
			t.Fatal(err)
		}
		for _, flag := range Flags(map[string]any(values["webhook"].(map[string]any)), "webhook") {
			key, text, _ := strings.Cut(flag, "=")
			got, err := values.Lookup(key)
			if err != nil || fmt.Sprint(got) != text && text != "{}" && text != "[]" && text != "null" {
				t.Errorf("%s: %s is %v, %v", p.Name, flag, got, err)
			}
		}
	}
}
