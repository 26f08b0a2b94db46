package charts_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
)

// "helm test" has the rights to read what it looks at, and to create pods where nobody's
// are: where canaries are, or else in a namespace of its own.
func TestHelmTestHasTheRightsForWhatItLooksAt(t *testing.T) {
	hooks := "list mutatingwebhookconfigurations"
	served := []string{
		"outrigger-system: get deployments outrigger-injector", "outrigger-system: get pods/proxy",
		"outrigger-system: list endpointslices", "outrigger-system: list pods",
	}
	for name, tc := range map[string]struct {
		values string
		want   []string
	}{
		"by default":                      {"", append([]string{": " + hooks, "outrigger-test: create pods"}, served...)},
		"with canaries":                   {"canary: {enabled: true}", append([]string{": " + hooks, "outrigger-system: create pods"}, served...)},
		"with a server that is elsewhere": {"webhook: {url: 'https://10.0.0.5:9443'}", []string{": " + hooks, "outrigger-test: create pods"}},
		"of a revision": {"{revision: next, canary: {enabled: true}, webhook: {url: 'https://10.0.0.5:9443'}}", []string{
			": " + hooks, "outrigger-system: create pods",
		}},
		"with cert-manager": {"certificates: {mode: certManager}", append([]string{
			": " + hooks, "outrigger-test: create pods", "outrigger-system: get certificates outrigger-injector",
			"outrigger-system: get issuers outrigger-authority", "outrigger-system: list certificaterequests",
		}, served...)},
		"with an issuer of the namespace's": {"certificates: {mode: certManager, certManager: {issuerRef: {name: mine}}}", append([]string{
			": " + hooks, "outrigger-test: create pods", "outrigger-system: get certificates outrigger-injector",
			"outrigger-system: get issuers mine", "outrigger-system: list certificaterequests",
		}, served...)},
		"with an issuer of the cluster's": {"certificates: {mode: certManager, certManager: {issuerRef: {name: all, kind: ClusterIssuer}}}", append([]string{
			": " + hooks, "outrigger-test: create pods", "outrigger-system: get certificates outrigger-injector",
			"outrigger-system: list certificaterequests",
		}, served...)},
		"switched off":          {"helmTest: {enabled: false}", nil},
		"without a webhook":     {"webhook: {create: false}", nil},
		"without rights at all": {"rbac: {create: false}", nil},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, role := range tests[*rbacv1.ClusterRole](t, tc.values) {
				got = append(got, rights("", role.Rules)...)
			}
			for _, role := range tests[*rbacv1.Role](t, tc.values) {
				got = append(got, rights(role.Namespace, role.Rules)...)
			}
			slices.Sort(got)
			slices.Sort(tc.want)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if all := tests[runtime.Object](t, tc.values); len(tc.want) == 0 && len(all) > 0 {
				t.Errorf("%d objects, want none", len(all))
			}
		})
	}
}

// rights are those that rules give, a line each.
func rights(namespace string, rules []rbacv1.PolicyRule) (all []string) {
	for _, rule := range rules {
		for _, verb := range rule.Verbs {
			line := fmt.Sprintf("%s: %s %s %s", namespace, verb, strings.Join(rule.Resources, ","), strings.Join(rule.ResourceNames, ","))
			all = append(all, strings.TrimSpace(line))
		}
	}
	return all
}

// The test's pod is the server's image under the server's restrictions, and neither the
// Service nor the Deployment takes it for one of theirs. Nothing of a test that has
// succeeded stays.
func TestHelmTestIsNoReplica(t *testing.T) {
	const values = "{revision: next, platform: openshift, image: {repository: r.example/i, tag: '1'}, nodeSelector: {a: b}}"
	pod, d := tests[*corev1.Pod](t, values)[0], only[*appsv1.Deployment](t, values)
	server, check := d.Spec.Template.Spec, pod.Spec
	if check.Containers[0].Image != server.Containers[0].Image {
		t.Errorf("image %s, and the server's is %s", check.Containers[0].Image, server.Containers[0].Image)
	}
	for what, diff := range map[string]string{
		"pod": cmp.Diff(server.SecurityContext, check.SecurityContext), "nodes": cmp.Diff(server.NodeSelector, check.NodeSelector),
		"container": cmp.Diff(server.Containers[0].SecurityContext, check.Containers[0].SecurityContext),
		"arguments": cmp.Diff([]string{"--check", "--namespace=outrigger-system", "--revision=next", "--check-namespace=outrigger-test-next"}, check.Containers[0].Args),
	} {
		if diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	for what, selector := range map[string]labels.Set{
		"Service": only[*corev1.Service](t, values).Spec.Selector, "Deployment": d.Spec.Selector.MatchLabels,
	} {
		if selector.AsSelector().Matches(labels.Set(pod.Labels)) {
			t.Errorf("the %s takes the pod for a replica", what)
		}
	}
	for _, o := range tests[runtime.Object](t, values) {
		m, err := meta.Accessor(o)
		if err != nil {
			t.Fatal(err)
		}
		if got := m.GetAnnotations()[hook+"-delete-policy"]; got != "before-hook-creation,hook-succeeded" {
			t.Errorf("%s: delete policy %q", m.GetName(), got)
		}
	}
}
