package charts_test

import (
	"strings"
	"testing"
)

// What is wrong with values is said before anything is installed.
func TestSchemaRefuses(t *testing.T) {
	for name, tc := range map[string]struct{ values, want string }{
		"an unknown value":                           {"replicas: 3", "replicas"},
		"an unknown value further down":              {"webhook: {failurePolcy: Fail}", "failurePolcy"},
		"a mode that does not exist":                 {"certificates: {mode: none}", "certificates/mode"},
		"no replicas":                                {"replicaCount: 0", "replicaCount"},
		"a timeout that is too long":                 {"webhook: {timeoutSeconds: 31}", "timeoutSeconds"},
		"a URL without TLS":                          {"webhook: {url: 'http://a'}", "webhook/url"},
		"a URL with a path":                          {"webhook: {url: 'https://a/inject'}", "webhook/url"},
		"a path that is not ours":                    {"webhook: {path: /other}", "webhook/path"},
		"a revision that is no name":                 {"revision: Canary_1", "revision"},
		"a revision whose ConfigMap another one has": {"revision: last-good", "revision"},
		"a revision whose dashboard another one has": {"revision: dashboard", "revision"},
		"a tag that is no name":                      {"revisionTags: [Prod]", "revisionTags"},
		"a tag that is there twice":                  {"revisionTags: [prod, prod]", "revisionTags"},
		"a tag that is the revision":                 {"{revision: prod, revisionTags: [prod]}", "revisionTags: prod is the revision itself"},
		"the tag default of the first installation":  {"revisionTags: [default]", "revisionTags: default is the revision itself"},
		"an istiod that is no place":                 {"istio: {config: a/b/c}", "istio/config"},
		"ProxyConfigs that are neither on nor off":   {"istio: {proxyConfigs: maybe}", "istio/proxyConfigs"},
		"a policy that is none":                      {"global: {proxy: {autoInject: yes}}", "autoInject"},
		"a selector with a misspelt field":           {"sidecarInjectorWebhook: {neverInjectSelector: [{matchLabel: {a: b}}]}", "matchLabel"},
		"a profile that does not exist":              {"profile: prod", `profile "prod": unknown, want one of default, demo, empty, minimal, openshift, preview, remote`},
		"a remote server that is nowhere":            {"profile: remote", "webhook.url: empty"},
		"a Secret in the mode selfSigned":            {"certificates: {existingSecret: {name: tls}}", "certificates/existingSecret"},
		"a bundle in the mode certManager":           {"certificates: {mode: certManager, existingSecret: {caBundle: YQ==}}", "certificates/existingSecret"},
		"an issuer in the mode selfSigned":           {"certificates: {certManager: {issuerRef: {name: a}}}", "certificates/certManager"},
		"an issuer in the mode existingSecret":       {"certificates: {mode: existingSecret, existingSecret: {name: a}, certManager: {duration: 24h}}", "certificates/certManager"},
		"an issuer without a name":                   {"certificates: {mode: certManager, certManager: {issuerRef: {kind: Issuer}}}", "issuerRef"},
		"an exclusion that does not exist":           {"webhook: {exclude: {kubeSystem: false}}", "kubeSystem"},
		"an exclusion that is neither on nor off":    {"webhook: {exclude: {mirror: maybe}}", "exclude/mirror"},
		"a condition that takes the name of ours":    {"webhook: {matchConditions: [{name: exclude-mirror, expression: 'true'}]}", "matchConditions"},
		"a selector of one's own for namespaces":     {"webhook: {namespaceSelector: {}}", "namespaceSelector"},
		"both bounds of a disruption budget":         {"podDisruptionBudget: {minAvailable: 1, maxUnavailable: 1}", "podDisruptionBudget"},
		"less replicas at most than at least":        {"autoscaling: {enabled: true, minReplicas: 6}", "autoscaling.minReplicas: 6 is more than maxReplicas, 5"},
		"an action that does not exist":              {"admissionPolicies: {missing: block}", "admissionPolicies/missing"},
		"a policy where nobody is injected":          {"{admissionPolicies: {missing: warn}, webhook: {create: false}}", "admissionPolicies.missing: warn, and webhook.create is false"},
		"a refusing policy over an istiod's choice":  {"{admissionPolicies: {missing: deny}, istio: {config: istio-system}}", "admissionPolicies.missing: deny, and the configuration is not this chart's"},
		"a refusing policy over a choice of yours":   {"{admissionPolicies: {missing: deny}, configuration: {create: false}}", "admissionPolicies.missing: deny, and the configuration is not this chart's"},
		"no Secret where one is to exist":            {"certificates: {mode: existingSecret}", "certificates.existingSecret.name: empty"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := render(t, tc.values)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want an error about %s", err, tc.want)
			}
		})
	}
}
