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
