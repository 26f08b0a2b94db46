package webhook

import (
	"context"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"outrigger.dev/outrigger/inject"
)

// A Signal is what is told of an answer beside the answer itself. It has nothing of
// the pod but whom it belongs to.
type Signal struct {
	Namespace string
	// Controller is the pod's; its kind is "" for a pod that has none.
	Controller metav1.OwnerReference
	Verdict    inject.Verdict
	Reason     inject.Reason
	Sentence   string
	DryRun     bool
	// Surprising says that somebody will ask why: the pod is refused, or has no
	// sidecar although it or its namespace asks for one.
	Surprising bool
}

// Signalled returns a Reviewer that tells of what next answers: of every answer that
// surprises or is a skip, and of an injection once for each workload, when it is made.
// tell is on the way of an admission, and must not block.
func Signalled(next Reviewer, tell func(Signal)) Reviewer { return signalled{next, tell} }

type signalled struct {
	next Reviewer
	tell func(Signal)
}

func (s signalled) Review(ctx context.Context, review Review) (Answer, error) {
	answer, err := s.next.Review(ctx, review)
	if err != nil {
		return answer, err
	}
	d := answer.Decision
	surprising := d.Verdict == inject.Deny || d.Verdict == inject.Skip && !slices.Contains(unasked, d.Reason)
	if surprising || !answer.Recalled {
		s.tell(Signal{
			Namespace: review.Namespace, Controller: controllerOf(review), Verdict: d.Verdict, Reason: d.Reason, Sentence: d.Sentence,
			DryRun: review.DryRun, Surprising: surprising,
		})
	}
	return answer, err
}

// controllerOf is the controller of a review's pod, which is not gone over once more
// where it has been glanced at.
func controllerOf(review Review) metav1.OwnerReference {
	var owners []metav1.OwnerReference
	if review.Glance != nil {
		owners = review.Glance.Owners()
	} else {
		inject.ReadFields(review.Pod, inject.Fields{"metadata": inject.Fields{"ownerReferences": &owners}})
	}
	for _, owner := range owners {
		if owner.Controller != nil && *owner.Controller {
			return owner
		}
	}
	return metav1.OwnerReference{}
}
