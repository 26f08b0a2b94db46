package webhook

import (
	"context"

	"outrigger.dev/outrigger/inject"
)

// CanaryKey is the label and the annotation of a pod that asks whether the API server
// reaches us. The label has the revision that is asked, by which the webhook's entry
// knows such a pod; the annotation is [CanaryAnswered] in the answer.
const (
	CanaryKey      = "outrigger.dev/canary"
	CanaryAsked    = "asked"
	CanaryAnswered = "answered"
)

// Canary answers every review alike, by no configuration: that the API server has
// reached us and takes a patch is all there is to learn from it. A review of a pod
// without the annotation has a patch that does not apply.
type Canary struct{}

// Review is for [Reviewer].
func (Canary) Review(context.Context, Review) (Answer, error) {
	return Answer{
		Decision: inject.Decision{Verdict: inject.Inject, Reason: inject.PodLabel},
		Patch:    []byte(`[{"op":"replace","path":"/metadata/annotations/outrigger.dev~1canary","value":"` + CanaryAnswered + `"}]`),
	}, nil
}
