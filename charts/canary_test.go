package charts_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/labels"
)

const canaryEntry = "canary.injector.outrigger.dev"

// Canaries are called for where they are switched on, in our own namespace, for the revision
// that they name and for no pod of the server's; and only then may pods be created.
func TestCanary(t *testing.T) {
	for values, tc := range map[string]struct {
		revision string
		on       bool
	}{
		"{}":                      {"default", false},
		"canary: {enabled: true}": {"default", true},
		"{revision: next}":        {"next", false},
		"{revision: next, canary: {enabled: true}}": {"next", true},
		"{revision: next, canary: {enabled: true}, podLabels: {outrigger.dev/canary: next}, webhook: {url: 'https://10.0.0.5:9443'}}": {"next", true},
	} {
		entry := canaryIn(t, only[*admissionv1.MutatingWebhookConfiguration](t, values))
		canary := labels.Set{"outrigger.dev/canary": tc.revision}
		for name, ask := range map[string]struct {
			namespace string
			pod       labels.Set
			want      bool
		}{
			"a canary":                {"outrigger-system", canary, tc.on},
			"one of another revision": {"outrigger-system", labels.Set{"outrigger.dev/canary": "other"}, false},
			"a canary somewhere else": {"shop", canary, false},
			"any pod":                 {"outrigger-system", labels.Set{}, false},
			"a pod of the server's":   {"outrigger-system", labels.Merge(canary, labels.Set{"app.kubernetes.io/name": "outrigger-injector"}), false},
		} {
			got := matches(t, entry.NamespaceSelector, labels.Set{"kubernetes.io/metadata.name": ask.namespace}) && matches(t, entry.ObjectSelector, ask.pod)
			if got != ask.want {
				t.Errorf("%s\n%s: called %t, want %t", values, name, got, ask.want)
			}
		}
		creates := slices.ContainsFunc(only[*rbacv1.Role](t, values).Rules, func(r rbacv1.PolicyRule) bool {
			return slices.Contains(r.Resources, "pods") && slices.Contains(r.Verbs, "create")
		})
		asks := tc.on // a server elsewhere is given its flags by hand
		for _, d := range every[*appsv1.Deployment](t, values) {
			asks = slices.Contains(d.Spec.Template.Spec.Containers[0].Args, "--canary")
		}
		if diff := cmp.Diff([]bool{tc.on, tc.on}, []bool{creates, asks}); diff != "" {
			t.Errorf("%s\nmay create pods, and asks (-want +got):\n%s", values, diff)
		}
	}
}

// canaryIn is the entry for canaries.
func canaryIn(t *testing.T, c *admissionv1.MutatingWebhookConfiguration) admissionv1.MutatingWebhook {
	t.Helper()
	at := slices.IndexFunc(c.Webhooks, func(w admissionv1.MutatingWebhook) bool { return w.Name == canaryEntry })
	if at < 0 {
		t.Fatalf("%s has no entry %s", c.Name, canaryEntry)
	}
	return c.Webhooks[at]
}
