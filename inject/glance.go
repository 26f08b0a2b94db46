package inject

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

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
	var fields struct {
		Name            string                  `json:"name"`
		GenerateName    string                  `json:"generateName"`
		Namespace       string                  `json:"namespace"`
		Labels          map[string]string       `json:"labels"`
		Annotations     map[string]string       `json:"annotations"`
		OwnerReferences []metav1.OwnerReference `json:"ownerReferences"`
	}
	read := ReadFields(text, Fields{
		"metadata": Fields{
			"name": &fields.Name, "generateName": &fields.GenerateName, "namespace": &fields.Namespace,
			"labels": &fields.Labels, "annotations": &fields.Annotations, "ownerReferences": &fields.OwnerReferences,
		},
		"spec": Fields{"hostNetwork": &pod.Spec.HostNetwork, "os": &pod.Spec.OS},
	})
	if !read {
		return nil, false
	}
	pod.ObjectMeta = metav1.ObjectMeta{
		Name: fields.Name, GenerateName: fields.GenerateName, Namespace: fields.Namespace,
		Labels: fields.Labels, Annotations: fields.Annotations, OwnerReferences: fields.OwnerReferences,
	}
	return pod, true
}
