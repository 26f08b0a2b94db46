package inject

import (
	"fmt"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// Decide says whether a pod of the namespace is injected. It is total: the
// same pod, namespace and configuration give the same decision, and never an
// error. The first rule with an opinion decides:
//
//	rule                  looks at                                     decides
//	host-network          spec.hostNetwork                             skip
//	system-namespace      the namespace's name                         skip
//	mirror-pod            annotation kubernetes.io/config.mirror       skip
//	windows               spec.os.name                                 skip
//	pod-label             label sidecar.istio.io/inject                true: inject, false: skip
//	pod-annotation        the annotation of that name; only where      the same
//	                      there is no such label
//	owner-kind            ownerKinds, for the workload that owns the pod  skip
//	namespace-not-enabled the namespace's labels, where checkNamespace skip
//	                      is set and the pod has no label istio.io/rev
//	never-selector        neverInjectSelector over the pod's labels    skip
//	always-selector       alwaysInjectSelector over the pod's labels   inject
//	policy                policy                                       enabled: inject, disabled: skip
//
// It is the order of injectRequired in Istio's pkg/kube/inject/inject.go, where
// mirror-pod, windows, owner-kind and namespace-not-enabled have no counterpart.
func (in *Injector) Decide(pod *corev1.Pod, ns Namespace, owner Owner) Decision {
	s := subject{pod: pod, namespace: ns, owner: owner, in: in}
	trace := make([]Step, 0, len(rules))
	for _, r := range rules {
		input, verdict, sentence := r.look(s)
		trace = append(trace, Step{Rule: r.reason, Input: input, Outcome: verdict})
		if verdict != "" {
			return Decision{Verdict: verdict, Reason: r.reason, Sentence: sentence, Trace: trace}
		}
	}
	panic("the last rule decides about every pod")
}

// A subject is what is decided about.
type subject struct {
	pod       *corev1.Pod
	namespace Namespace
	owner     Owner
	in        *Injector
}

// A rule looks at a subject. Its verdict is "" where it has no opinion.
type rule struct {
	reason Reason
	look   func(subject) (input string, verdict Verdict, sentence string)
}

var rules = []rule{
	{HostNetwork, hostNetwork},
	{SystemNamespace, systemNamespace},
	{MirrorPod, mirrorPod},
	{Windows, windows},
	{PodLabel, podLabel},
	{PodAnnotation, podAnnotation},
	{OwnerKind, ownerKind},
	{NamespaceNotEnabled, namespaceNotEnabled},
	{NeverSelector, neverSelector},
	{AlwaysSelector, alwaysSelector},
	{Policy, policy},
}

// systemNamespaces are never injected (IgnoredNamespaces in Istio's
// pkg/kube/inject/initializer.go).
var systemNamespaces = []string{"kube-system", "kube-public", "kube-node-lease", "local-path-storage"}

func hostNetwork(s subject) (string, Verdict, string) {
	input := "spec.hostNetwork: " + strconv.FormatBool(s.pod.Spec.HostNetwork)
	if !s.pod.Spec.HostNetwork {
		return input, "", ""
	}
	return input, Skip, "the pod uses the host network, where a sidecar would redirect the traffic of the whole node"
}

func systemNamespace(s subject) (string, Verdict, string) {
	input := "namespace: " + s.namespace.Name
	if !slices.Contains(systemNamespaces, s.namespace.Name) {
		return input, "", ""
	}
	return input, Skip, fmt.Sprintf("namespace %q belongs to the system and is never injected", s.namespace.Name)
}

func mirrorPod(s subject) (string, Verdict, string) {
	_, mirror := s.pod.Annotations[corev1.MirrorPodAnnotationKey]
	input := "annotation " + corev1.MirrorPodAnnotationKey + ": " + present(mirror)
	if !mirror {
		return input, "", ""
	}
	return input, Skip, "the pod mirrors a static pod, which only its file on the node can change"
}

func windows(s subject) (string, Verdict, string) {
	if s.pod.Spec.OS == nil || s.pod.Spec.OS.Name != corev1.Windows {
		return "spec.os.name: not windows", "", ""
	}
	return "spec.os.name: windows", Skip, "the pod runs on Windows, and sidecars on Linux only"
}

func podLabel(s subject) (string, Verdict, string) {
	value, ok := s.pod.Labels[InjectKey]
	return asked("label", value, ok)
}

func podAnnotation(s subject) (string, Verdict, string) {
	if _, hidden := s.pod.Labels[InjectKey]; hidden {
		return "annotation " + InjectKey + ": hidden by the label", "", ""
	}
	value, ok := s.pod.Annotations[InjectKey]
	return asked("annotation", value, ok)
}

// asked reads what a pod says by label or annotation. Whatever is neither
// "true" nor "false" says nothing; [Injector.Inject] warns of it.
func asked(what, value string, ok bool) (string, Verdict, string) {
	if !ok {
		return what + " " + InjectKey + ": absent", "", ""
	}
	input := what + " " + InjectKey + ": " + strconv.Quote(value)
	sentence := fmt.Sprintf("the pod's %s %s is %q", what, InjectKey, value)
	switch value {
	case "true":
		return input, Inject, sentence
	case "false":
		return input, Skip, sentence
	default:
		return input, "", ""
	}
}

func ownerKind(s subject) (string, Verdict, string) {
	input := "owner: " + s.owner.APIVersion + " " + s.owner.Kind
	mode, ok := s.in.config.ownerKind(s.owner)
	if !ok || mode.Mode != "skip" {
		return input, "", ""
	}
	return input, Skip, fmt.Sprintf("the pod belongs to a %s, and the configuration's ownerKinds skips those", s.owner.Kind)
}

func namespaceNotEnabled(s subject) (string, Verdict, string) {
	if !s.in.config.CheckNamespace {
		return "checkNamespace: false", "", ""
	}
	if s.namespace.Unknown {
		return "namespace labels: not to be had, so the call counts as proof", "", ""
	}
	injection, labelled := s.namespace.Labels[NamespaceLabel]
	_, revision := s.namespace.Labels[RevisionLabel]
	_, asks := s.pod.Labels[RevisionLabel]
	byDefault := s.in.values.enableNamespacesByDefault && !labelled
	input := "namespace labels " + NamespaceLabel + ": " + strconv.Quote(injection) + ", " + RevisionLabel + ": " + present(revision) +
		"; pod label " + RevisionLabel + ": " + present(asks)
	if injection == "enabled" || revision || asks || byDefault {
		return input, "", ""
	}
	return input, Skip, fmt.Sprintf("namespace %q is not labelled %s=enabled or %s, and the pod does not ask for a sidecar",
		s.namespace.Name, NamespaceLabel, RevisionLabel)
}

func neverSelector(s subject) (string, Verdict, string) {
	input, match := matching("neverInjectSelector", s.in.config.never, s.pod)
	if !match {
		return input, "", ""
	}
	return input, Skip, "the pod's labels match the configuration's " + input
}

func alwaysSelector(s subject) (string, Verdict, string) {
	input, match := matching("alwaysInjectSelector", s.in.config.always, s.pod)
	if !match {
		return input, "", ""
	}
	return input, Inject, "the pod's labels match the configuration's " + input
}

// matching finds the first selector that matches, and names it.
func matching(field string, list []labels.Selector, pod *corev1.Pod) (input string, match bool) {
	for i, selector := range list {
		if selector.Matches(labels.Set(pod.Labels)) {
			return fmt.Sprintf("%s[%d]: %s", field, i, selector), true
		}
	}
	return field + ": none of " + strconv.Itoa(len(list)) + " matches", false
}

func policy(s subject) (string, Verdict, string) {
	input := "policy: " + s.in.config.Policy
	if s.in.config.Policy == "enabled" {
		return input, Inject, `the configuration's policy is "enabled" and nothing speaks against it`
	}
	return input, Skip, `the configuration's policy is "disabled" and the pod does not ask for a sidecar`
}

func present(ok bool) string {
	if ok {
		return "present"
	}
	return "absent"
}
