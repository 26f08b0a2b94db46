package inject

import (
	"encoding/json"
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// Injected says whether a pod has been injected, by Outrigger or by an istiod: it says
// so, and has a container that it says it was given. One that was given no containers is
// taken at its word, and so is one whose word cannot be read.
func Injected(pod *corev1.Pod) bool {
	value, ok := pod.Annotations[StatusAnnotation]
	if !ok {
		return false
	}
	var s status
	if json.Unmarshal([]byte(value), &s) != nil || len(s.Containers)+len(s.InitContainers) == 0 {
		return true
	}
	given := func(c corev1.Container) bool {
		return slices.Contains(s.Containers, c.Name) || slices.Contains(s.InitContainers, c.Name)
	}
	return slices.ContainsFunc(pod.Spec.Containers, given) || slices.ContainsFunc(pod.Spec.InitContainers, given)
}

// An Injection is what an injected pod says about its injection.
type Injection struct {
	Revision string
	// Config is the injector's [Injector.Hash]; "" for a pod of an istiod's, which says
	// no more than the revision, and whether the sidecar is a native one.
	Config    string
	Reason    Reason
	Templates []string
	Native    bool
}

// InjectionOf reads it; false for a pod that is not [Injected].
func InjectionOf(pod *corev1.Pod) (Injection, bool) {
	if !Injected(pod) {
		return Injection{}, false
	}
	var of Injection
	if json.Unmarshal([]byte(pod.Annotations[RecordAnnotation]), &of) == nil {
		return of, true
	}
	var s status
	_ = json.Unmarshal([]byte(pod.Annotations[StatusAnnotation]), &s) // what cannot be read says nothing
	native := slices.Contains(s.InitContainers, ProxyContainer)
	return Injection{Revision: s.Revision, Native: native}, true
}

// InjectedCondition is [Injected] in CEL, as near as that comes to it without reading
// JSON: a name that the status has counts, whatever it is the name of. It reads object
// and variables.annotations.
const InjectedCondition = `"` + StatusAnnotation + `" in variables.annotations && (` +
	`!variables.annotations["` + StatusAnnotation + `"].matches("ontainers\":\\s*\\[\\s*\"") || ` +
	`(object.spec.containers + object.spec.?initContainers.orValue([])).exists(c, ` +
	`variables.annotations["` + StatusAnnotation + `"].contains("\"" + c.name + "\"")))`

// NotAllowedCondition is CEL for a pod that nobody has annotated with
// [AllowMissingAnnotation]. It reads object.
const NotAllowedCondition = `object.metadata.?annotations[?"` + AllowMissingAnnotation + `"].orValue("") != "true"`
