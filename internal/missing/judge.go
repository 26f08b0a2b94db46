// Package missing finds pods that should have a sidecar and have none: created while
// no injector answered, or before their namespace was labelled. It asks what would be
// asked if the pod were created now, of the webhook configurations as they are and of
// the one function that decides about injection.
//
// It only ever reads pods. A [Detector] counts them, and leaves events.
package missing

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"outrigger.dev/outrigger/inject"
)

// A Decider decides about pods. An [inject.Injector] is one.
type Decider interface {
	Decide(pod *corev1.Pod, ns inject.Namespace, owner inject.Owner) inject.Decision
}

// A Judge knows who should have a sidecar.
type Judge struct {
	Webhooks Webhooks
	Decider  Decider
}

// A Finding is a pod that should have a sidecar and has none.
type Finding struct {
	Namespace, Pod string
	Created        time.Time
	// Owner is the workload that the pod belongs to, such as a Deployment.
	Owner inject.Owner
	// Controller is what makes the pod anew when it is gone; nil where nothing does.
	Controller *metav1.OwnerReference
	// Entry is the one of the webhook configurations that selects the pod, named
	// CONFIGURATION/ENTRY.
	Entry string
	// Reason is why it should have a sidecar, Sentence the same for people.
	Reason   inject.Reason
	Sentence string
	// Allowed says that somebody has annotated the pod with
	// [inject.AllowMissingAnnotation].
	Allowed bool
}

// Look says whether a pod of the namespace should have a sidecar and has none. One that
// has ended, or is about to, is left alone.
func (j Judge) Look(pod *corev1.Pod, ns inject.Namespace) (Finding, bool) {
	ended := pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
	if ended || pod.DeletionTimestamp != nil || inject.Injected(pod) {
		return Finding{}, false
	}
	entry, called := j.Webhooks.Call(pod, ns)
	if !called {
		return Finding{}, false
	}
	owner := inject.OwnerOf(pod)
	decision := j.Decider.Decide(pod, ns, owner)
	if decision.Verdict != inject.Inject {
		return Finding{}, false
	}
	return Finding{
		Namespace:  ns.Name,
		Pod:        pod.Name,
		Created:    pod.CreationTimestamp.Time,
		Owner:      owner,
		Controller: metav1.GetControllerOf(pod),
		Entry:      entry,
		Reason:     decision.Reason,
		Sentence:   decision.Sentence,
		Allowed:    pod.Annotations[inject.AllowMissingAnnotation] == "true",
	}, true
}
