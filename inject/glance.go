package inject

import corev1 "k8s.io/api/core/v1"

// glance decides about a pod by the few fields that decisions look at, and is
// true for one that is to be skipped: most pods of a cluster are, and reading the
// whole of them would be most of the work. One that was injected before, or that
// is not written as the API server does, is not for glancing at.
func (in *Injector) glance(req Request) (Result, bool) {
	pod, ok := glanced(req.Pod)
	if !ok {
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
	r.readAnnotations() // none that is ignored has a say in decisions
	return Result{Decision: decision, Patch: []Operation{}, Warnings: r.warnings, raw: req.Pod}, true
}

// glanced reads the fields of a pod that [Injector.Decide] and [OwnerOf] look at.
func glanced(text []byte) (*corev1.Pod, bool) {
	pod := &corev1.Pod{}
	read := ReadFields(text, Fields{
		"metadata": Fields{
			"name": &pod.Name, "generateName": &pod.GenerateName, "namespace": &pod.Namespace,
			"labels": &pod.Labels, "annotations": &pod.Annotations, "ownerReferences": &pod.OwnerReferences,
		},
		"spec": Fields{"hostNetwork": &pod.Spec.HostNetwork, "os": &pod.Spec.OS},
	})
	return pod, read
}

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
