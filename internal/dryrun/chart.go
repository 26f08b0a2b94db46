package dryrun

import (
	"fmt"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	"sigs.k8s.io/yaml"

	"outrigger.dev/outrigger/charts"
)

// ChartWebhooks is the configuration that the chart gives for a revision where no
// other value is given.
func ChartWebhooks(revision string) (admissionv1.MutatingWebhookConfiguration, error) {
	var c admissionv1.MutatingWebhookConfiguration
	if err := yaml.UnmarshalStrict(charts.Webhooks(revision), &c); err != nil {
		return c, fmt.Errorf("revision %q: %w", revision, err)
	}
	return c, nil
}
