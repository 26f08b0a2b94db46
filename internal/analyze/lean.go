package analyze

import (
	"encoding/json"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"outrigger.dev/outrigger/inject"
)

// lastApplied is a whole object once more.
const lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

// lean is an object of a cluster as far as it is looked at. What only the API server
// knows is not in it, so that objects which are the same but for that are the same.
func lean(from runtime.Object, of schema.GroupVersionKind) (Object, error) {
	m, err := meta.Accessor(from)
	if err != nil {
		return Object{}, err
	}
	o := Object{
		Subject: Subject{APIVersion: of.GroupVersion().String(), Kind: of.Kind, Namespace: m.GetNamespace(), Name: m.GetName()},
		Ending:  m.GetDeletionTimestamp() != nil,
	}
	from.GetObjectKind().SetGroupVersionKind(of)
	m.SetManagedFields(nil)
	m.SetUID("")
	m.SetResourceVersion("")
	m.SetGeneration(0)
	m.SetCreationTimestamp(metav1.Time{})
	m.SetDeletionTimestamp(nil)
	m.SetDeletionGracePeriodSeconds(nil)
	pod, isPod := from.(*corev1.Pod)
	if isPod {
		asCreated(pod)
	} else {
		delete(m.GetAnnotations(), lastApplied)
	}
	o.Labels, o.Annotations, o.Owners = m.GetLabels(), m.GetAnnotations(), m.GetOwnerReferences()
	if o.JSON, err = json.Marshal(from); err == nil && isPod {
		o.JSON = inject.Canonicalize(o.JSON).Pod()
	}
	return o, err
}

// asCreated takes from a pod what it has got after it was created, as far as it tells
// pods of one workload apart: where it runs and how it fares, and the name where the
// API server made it up.
//
// A StatefulSet names its pods itself, although they have a generateName, too.
func asCreated(pod *corev1.Pod) {
	controller := metav1.GetControllerOfNoCopy(pod)
	if pod.GenerateName != "" && controller != nil && controller.Kind != "StatefulSet" {
		pod.Name = ""
	}
	pod.Spec.NodeName = ""
	pod.Spec.EphemeralContainers = nil
	ended := pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
	phase := pod.Status.Phase
	pod.Status = corev1.PodStatus{}
	if ended {
		pod.Status.Phase = phase
	}
	for name := range pod.Annotations {
		if slices.ContainsFunc(writtenByNodes, func(prefix string) bool { return strings.HasPrefix(name, prefix) }) {
			delete(pod.Annotations, name)
		}
	}
}

// writtenByNodes are how annotations begin that network plugins write on each pod once
// it has a node: its addresses, its interfaces.
var writtenByNodes = []string{
	"cni.projectcalico.org/containerID", "cni.projectcalico.org/podIP", // Calico; podIPs, too
	"k8s.v1.cni.cncf.io/network-status", "k8s.v1.cni.cncf.io/networks-status", // Multus
	"k8s.ovn.org/pod-networks", // OVN-Kubernetes
	"ovn.kubernetes.io/",       // Kube-OVN
}
