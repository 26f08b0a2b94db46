package charts_test

import (
	"encoding/base64"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/meta"
)

func TestWebhookConfiguration(t *testing.T) {
	for name, values := range map[string]string{
		"of the first installation": "",
		"of a revision":             "revision: canary",
		"with all entries on":       "sidecarInjectorWebhook: {enableNamespacesByDefault: true}",
	} {
		t.Run(name, func(t *testing.T) {
			c := only[*admissionv1.MutatingWebhookConfiguration](t, values)
			var names []string
			for _, entry := range c.Webhooks {
				names = append(names, entry.Name)
				if entry.ClientConfig.CABundle != nil {
					t.Errorf("%s has a caBundle, which belongs to the server", entry.Name)
				}
			}
			want := []string{
				"rev-namespace.injector.outrigger.dev", "rev-object.injector.outrigger.dev",
				"namespace.injector.outrigger.dev", "object.injector.outrigger.dev", "auto.injector.outrigger.dev",
				canaryEntry,
			}
			if diff := cmp.Diff(want, names); diff != "" {
				t.Errorf("entries (-want +got):\n%s", diff)
			}
			if _, ok := c.Labels["istio.io/rev"]; ok {
				t.Error("has the label istio.io/rev: an istiod would write its CA bundle into it")
			}
		})
	}
}

func TestCABundle(t *testing.T) {
	const pem = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
	for name, tc := range map[string]struct{ mode, given, want string }{
		"PEM is encoded":                  {"existingSecret", pem, pem},
		"base64 of PEM is taken as it is": {"existingSecret", base64.StdEncoding.EncodeToString([]byte(pem)), pem},
		"base64 in lines is joined":       {"existingSecret", "LS0t\nLS1C\n", "-----B"},
		"none is left out":                {"existingSecret", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			values := yamlOf(t, map[string]any{"certificates": map[string]any{
				"mode": tc.mode, "existingSecret": map[string]string{"name": "tls", "caBundle": tc.given},
			}})
			for _, entry := range only[*admissionv1.MutatingWebhookConfiguration](t, values).Webhooks {
				if diff := cmp.Diff(tc.want, string(entry.ClientConfig.CABundle)); diff != "" {
					t.Errorf("%s (-want +got):\n%s", entry.Name, diff)
				}
			}
		})
	}
}

func TestWebhookURL(t *testing.T) {
	for name, tc := range map[string]struct{ values, want string }{
		"is completed by the path":     {"webhook: {url: 'https://10.0.0.5:9443'}", "https://10.0.0.5:9443/inject"},
		"may end in a slash":           {"webhook: {url: 'https://10.0.0.5:9443/'}", "https://10.0.0.5:9443/inject"},
		"goes together with more path": {"webhook: {url: 'https://a.example', path: /inject/net/n1}", "https://a.example/inject/net/n1"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, entry := range only[*admissionv1.MutatingWebhookConfiguration](t, tc.values).Webhooks {
				if entry.Name == canaryEntry {
					if got := *entry.ClientConfig.URL; !strings.HasSuffix(got, "/canary") || strings.Count(got, "/") != 3 {
						t.Errorf("canaries go to %s", got)
					}
					continue
				}
				want := admissionv1.WebhookClientConfig{URL: &tc.want}
				if diff := cmp.Diff(want, entry.ClientConfig); diff != "" {
					t.Errorf("%s (-want +got):\n%s", entry.Name, diff)
				}
			}
			if only[*appsv1.Deployment](t, tc.values) != nil || only[*corev1.Service](t, tc.values) != nil ||
				only[*policyv1.PodDisruptionBudget](t, tc.values) != nil {
				t.Error("there is a Deployment, a Service or a budget for a server that is elsewhere")
			}
		})
	}
}

func TestBudgetAndSpreadOnlyForMoreThanOneReplica(t *testing.T) {
	for values, want := range map[string]bool{
		"replicaCount: 1": false, "replicaCount: 2": true, "replicaCount: 3": true,
		"podDisruptionBudget: {enabled: false}":                           false,
		"{replicaCount: 1, autoscaling: {enabled: true, minReplicas: 2}}": true,
		"{replicaCount: 2, autoscaling: {enabled: true, minReplicas: 1}}": false,
		"{profile: demo}": false, "{profile: demo, replicaCount: 2}": true,
	} {
		if got := only[*policyv1.PodDisruptionBudget](t, values) != nil; got != want {
			t.Errorf("%s: a budget %v, want %v", values, got, want)
		}
		if got := only[*appsv1.Deployment](t, values).Spec.Template.Spec.TopologySpreadConstraints != nil; got != want && !strings.Contains(values, "enabled: false") {
			t.Errorf("%s: a spread %v, want %v", values, got, want)
		}
	}
}

// Two revisions and the first installation stand side by side: no object is in
// two of them.
func TestRevisionsShareNothing(t *testing.T) {
	owner := map[string]string{}
	for _, revision := range []string{"", "canary", "authority", "ca", "injector", "istio-config", "self-signed", "serving"} {
		all := objects(t, "revision: "+revision)
		all = append(all, objects(t, "{revision: "+revision+", istio: {config: outrigger-system}}")...)
		all = append(all, objects(t, "{revision: "+revision+", certificates: {mode: certManager}, grafana: {dashboard: {enabled: true}}}")...)
		for _, object := range all {
			m, err := meta.Accessor(object)
			if err != nil {
				t.Fatal(err)
			}
			id := strings.Join([]string{object.GetObjectKind().GroupVersionKind().Kind, m.GetNamespace(), m.GetName()}, " ")
			if other, taken := owner[id]; taken && other != revision {
				t.Errorf("%s is in revision %q and in revision %q", id, other, revision)
			}
			owner[id] = revision
			if !strings.HasPrefix(m.GetName(), "outrigger") {
				t.Errorf("%s has a name that is not ours", id)
			}
		}
	}
}

// The rights on an istiod's ConfigMaps, and on ProxyConfigs, come and go with what
// they are for.
func TestIstioRightsAreThoseOfTheFeature(t *testing.T) {
	none := "istio: {config: ''}"
	for name, tc := range map[string]struct {
		values, namespace string
		configMaps        []string
		proxyConfigs      bool
	}{
		"without an istiod":                {none, "", nil, false},
		"with ProxyConfigs alone":          {"istio: {proxyConfigs: true}", "", nil, true},
		"with an istiod":                   {"istio: {config: mesh}", "mesh", []string{"istio-sidecar-injector", "istio"}, true},
		"with the revision default of one": {"istio: {config: mesh/default}", "mesh", []string{"istio-sidecar-injector", "istio"}, true},
		"with a revision of one": {"istio: {config: mesh/v2}", "mesh",
			[]string{"istio-sidecar-injector-v2", "istio-v2"}, true},
		"with an istiod and no ProxyConfigs": {"istio: {config: mesh, proxyConfigs: false}", "mesh",
			[]string{"istio-sidecar-injector", "istio"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			var namespace string
			var configMaps []string
			for _, role := range every[*rbacv1.Role](t, tc.values) {
				if role.Namespace != "outrigger-system" {
					namespace, configMaps = role.Namespace, role.Rules[0].ResourceNames
				}
			}
			if diff := cmp.Diff(tc.configMaps, configMaps); diff != "" || namespace != tc.namespace {
				t.Errorf("in namespace %q, want %q (-want +got):\n%s", namespace, tc.namespace, diff)
			}
			watched := slices.ContainsFunc(only[*rbacv1.ClusterRole](t, tc.values).Rules, func(r rbacv1.PolicyRule) bool {
				return slices.Contains(r.Resources, "proxyconfigs")
			})
			if watched != tc.proxyConfigs {
				t.Errorf("may watch ProxyConfigs: %t, want %t", watched, tc.proxyConfigs)
			}
		})
	}
}

// A right to create cannot be bound to a name, and one without a name reaches all
// there are: these few are the only ones.
func TestRightsAreBoundToNames(t *testing.T) {
	unbound := map[string]bool{
		"namespaces get": true, "namespaces list": true, "namespaces watch": true,
		"nodes list": true, "nodes watch": true,
		"proxyconfigs list": true, "proxyconfigs watch": true,
		"events create": true,
		// The dry run's: whoever is called about a pod, and what is in its namespace.
		"mutatingwebhookconfigurations list": true, "limitranges list": true, "resourcequotas list": true,
	}
	for name, tc := range map[string]struct {
		values string
		want   []string // what may be written, with its names
	}{
		"with an authority of its own": {"revision: canary", []string{
			"configmaps/outrigger-last-good-canary patch",
			"events create",
			"mutatingwebhookconfigurations/outrigger-injector-canary patch",
			"secrets/outrigger-injector-authority-canary patch",
		}},
		"in the place of an istiod": {"{revision: canary, revisionTags: [prod], istio: {config: istio-system/canary}}", []string{
			"configmaps/outrigger-last-good-canary patch",
			"events create",
			"mutatingwebhookconfigurations/outrigger-injector-canary/outrigger-tag-prod patch",
			"secrets/outrigger-injector-authority-canary patch",
		}},
		"with cert-manager's certificate": {"certificates: {mode: certManager}", []string{
			"configmaps/outrigger-last-good patch",
			"events create",
		}},
		"with somebody else's certificate": {"certificates: {mode: existingSecret, existingSecret: {name: tls}}", []string{
			"configmaps/outrigger-last-good patch",
			"events create",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			rules := only[*rbacv1.ClusterRole](t, tc.values).Rules
			for _, role := range every[*rbacv1.Role](t, tc.values) {
				rules = append(rules, role.Rules...)
			}
			written := map[string]bool{}
			for _, rule := range rules {
				for _, resource := range rule.Resources {
					for _, verb := range rule.Verbs {
						if len(rule.ResourceNames) == 0 && !unbound[resource+" "+verb] {
							t.Errorf("may %s all %s", verb, resource)
						}
						if !slices.Contains([]string{"get", "list", "watch"}, verb) {
							written[strings.Join(append([]string{resource}, rule.ResourceNames...), "/")+" "+verb] = true
						}
					}
				}
			}
			if diff := cmp.Diff(tc.want, slices.Sorted(maps.Keys(written))); diff != "" {
				t.Errorf("may write (-want +got):\n%s", diff)
			}
		})
	}
}

// The rights of a feature go with it.
func TestRightsGoWithTheirFeature(t *testing.T) {
	has := func(values, resource, verb string) bool {
		return slices.ContainsFunc(only[*rbacv1.ClusterRole](t, values).Rules, func(rule rbacv1.PolicyRule) bool {
			return slices.Contains(rule.Resources, resource) && slices.Contains(rule.Verbs, verb) && len(rule.ResourceNames) == 0
		})
	}
	for _, c := range []struct{ with, without, resource, verb string }{
		{"", "dryRun: {enabled: false}", "mutatingwebhookconfigurations", "list"},
		{"", "dryRun: {enabled: false}", "limitranges", "list"},
		{"", "dryRun: {enabled: false}", "resourcequotas", "list"},
		{"dryRun: {exposed: true}", "", "tokenreviews", "create"},
		{"dryRun: {exposed: true}", "", "subjectaccessreviews", "create"},
		{"dryRun: {exposed: true}", "dryRun: {exposed: true, enabled: false}", "tokenreviews", "create"},
		{"", "events: {enabled: false}", "events", "create"},
	} {
		if !has(c.with, c.resource, c.verb) {
			t.Errorf("with %q: may not %s %s", c.with, c.verb, c.resource)
		}
		if has(c.without, c.resource, c.verb) {
			t.Errorf("with %q: may %s %s", c.without, c.verb, c.resource)
		}
	}
}

func TestPodLabelsCannotTakeTheSelectorAway(t *testing.T) {
	d := only[*appsv1.Deployment](t, "podLabels: {app.kubernetes.io/name: mine, team: mesh, sidecar.istio.io/inject: 'true'}")
	want := map[string]string{
		"app.kubernetes.io/name": "outrigger-injector", "outrigger.dev/revision": "default",
		"sidecar.istio.io/inject": "false", "team": "mesh",
	}
	if diff := cmp.Diff(want, d.Spec.Template.Labels); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
