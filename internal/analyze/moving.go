package analyze

import (
	"fmt"
	"slices"

	admissionv1 "k8s.io/api/admissionregistration/v1"

	"outrigger.dev/outrigger/internal/cluster"
)

// movingTag is the tag that a webhook configuration of ours stands in for while that moves
// from one revision to another; "" for any other.
func movingTag(c admissionv1.MutatingWebhookConfiguration) string {
	if !isOurs(c) {
		return ""
	}
	return cluster.BridgedTag(c.Name)
}

// moving finds tags whose move has not come to its end.
func moving(s *Scene) ([]Finding, error) {
	var all []Finding
	for _, c := range s.ours() {
		tag, to := movingTag(c), c.Labels[revisionOwner]
		if tag == "" {
			continue
		}
		all = append(all, Finding{
			Object: subjectOf(c),
			Message: fmt.Sprintf("stands in for the tag %q while that moves to revision %q, which has not come to its end: it is of no release, and no upgrade changes it",
				tag, to),
			Fix: fmt.Sprintf("outrigger tag set %s --revision %s --overwrite", tag, to),
		})
	}
	return all, nil
}

// settledOnly are configurations without those that stand in for a tag: they overlap with
// the tag's own, and that is what [moving] finds.
func settledOnly(all []admissionv1.MutatingWebhookConfiguration) []admissionv1.MutatingWebhookConfiguration {
	return slices.DeleteFunc(slices.Clone(all), func(c admissionv1.MutatingWebhookConfiguration) bool { return movingTag(c) != "" })
}
