package conformance_test

import (
	"slices"
	"strings"
	"testing"

	admissionv1 "k8s.io/api/admissionregistration/v1"

	"outrigger.dev/outrigger/inject"
	"outrigger.dev/outrigger/internal/analyze"
	"outrigger.dev/outrigger/internal/dryrun"
)

// What analyze has against cases that are injected without a warning as wanted, and
// rightly so.
var findings = map[string][]string{
	"OUT0204": {"reroute-virtual-interfaces", "kubevirtInterfaces"},                                                     // the older of two annotations
	"OUT0401": {"openshift-custom-injection"},                                                                           // the application has the proxy's user
	"OUT0406": {"proxy-override", "proxy-resources-null", "proxy-resources-memory-null", "multi-init", "existing-init"}, // classic sidecars
}

// TestAnalyze: manifests that are injected as they should be are no finding.
func TestAnalyze(t *testing.T) {
	webhooks, err := dryrun.ChartWebhooks("default")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases(t) {
		if c.WantError != "" || len(c.WantWarnings) > 0 || !c.Offline {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			objects, err := analyze.ReadFile(c.Input, c.read(t, c.Input), inject.DefaultNamespace)
			if err != nil {
				t.Fatal(err)
			}
			scene := &analyze.Scene{
				Objects: objects, Injectors: []*inject.Injector{c.injector(t)},
				Webhooks: dryrun.Configurations{List: []admissionv1.MutatingWebhookConfiguration{webhooks}, From: "chart", Revision: "default"},
			}
			found, err := scene.Analyze(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range found {
				if !slices.ContainsFunc(findings[f.Code], func(part string) bool { return strings.Contains(c.name, part) }) {
					t.Errorf("%s %s: %s: %s", f.Severity, f.Code, f.Object, f.Message)
				}
			}
		})
	}
}
