package inject

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Skip decides about a pod by the few fields that decisions look at. It is true for one
// that is to be skipped, with what [Injector.Inject] gives for that: most pods of a
// cluster are, and reading the whole of them, or remembering the answer, would be most
// of the work. One that was injected before, or that is not written as the API server
// does, is not for glancing at, and nor is one whose labels or annotations speak of
// what the API server made up for it.
func (in *Injector) Skip(req Request) (Result, bool) {
	g := req.Glance
	if g == nil {
		g = &Glance{}
		if !ReadFields(req.Pod, g.Fields()) {
			return Result{}, false
		}
	}
	pod := &g.pod
	if madeUp(pod.Labels) || madeUp(pod.Annotations) {
		return Result{}, false
	}
	for _, mark := range []string{RecordAnnotation, StatusAnnotation} {
		if _, injected := pod.Annotations[mark]; injected {
			return Result{}, false
		}
	}
	if pod.Namespace == "" {
		pod.Namespace = req.Namespace.Name
	}
	r := in.rendering(req, pod, nil)
	decision := in.Decide(pod, req.Namespace, r.owner)
	if decision.Verdict != Skip {
		return Result{}, false
	}
	r.passed(Decided)
	r.readAnnotations() // none that is ignored has a say in decisions
	return Result{Decision: decision, Patch: []Operation{}, Warnings: r.warnings, raw: req.Pod}, true
}

// madeUp says whether a text could be of what [Canonicalize] takes out.
func madeUp(texts map[string]string) bool {
	for key, value := range texts {
		if strings.Contains(value, generatedPrefix) || strings.Contains(key, generatedPrefix) {
			return true
		}
	}
	return false
}

// A Glance is the fields of a pod that [Injector.Decide] and [OwnerOf] look at. It is for
// one goroutine.
type Glance struct{ pod corev1.Pod }

// Fields are for [ReadFields] to fill the glance with.
func (g *Glance) Fields() Fields {
	pod := &g.pod
	return Fields{
		"metadata": Fields{
			"name": &pod.Name, "generateName": &pod.GenerateName, "namespace": &pod.Namespace,
			"labels": &pod.Labels, "annotations": &pod.Annotations, "ownerReferences": &pod.OwnerReferences,
		},
		"spec": Fields{"hostNetwork": &pod.Spec.HostNetwork, "os": &pod.Spec.OS},
	}
}

// Owners are the pod's, in memory of the glance's.
func (g *Glance) Owners() []metav1.OwnerReference { return g.pod.OwnerReferences }

// PodName is what to call a pod in a log: its name, or the prefix that its name will
// be made from. It reads no further in the pod's text than it has to.
func PodName(pod []byte) (name string) {
	s := scanner{text: pod}
	s.object(0, func(field []byte) bool {
		if string(field) != "metadata" {
			return true
		}
		s.object(1, func(field []byte) bool {
			if string(field) != "name" && string(field) != "generateName" {
				return true
			}
			from := s.at
			if s.value(2) {
				name, _ = plainText(pod[from:s.at])
			}
			return name == ""
		})
		return false
	})
	return name
}
