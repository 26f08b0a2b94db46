package dryrun

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	helpers "k8s.io/component-helpers/resource"
)

// quotas say whether one more pod like this fits into what the namespace has left.
func (s *run) quotas(ctx context.Context, namespace string, before, after *corev1.Pod) ([]Check, error) {
	all, err := s.resourceQuotas.get(namespace, func() ([]corev1.ResourceQuota, error) { return s.Cluster.Quotas(ctx, namespace) })
	if err != nil || len(all) == 0 {
		return nil, err
	}
	ranges, err := s.ranges(ctx, namespace)
	if err != nil {
		return nil, err
	}
	return Quotas(all, ranges, before, after), nil
}

// Quotas say whether one more pod like this fits into what quotas have left, with and
// without what injection does to it. LimitRanges fill in what a pod does not say.
func Quotas(all []corev1.ResourceQuota, ranges []corev1.LimitRange, before, after *corev1.Pod) (checks []Check) {
	if len(all) == 0 {
		return nil
	}
	was, is := withDefaults(before, ranges), withDefaults(after, ranges)
	for _, quota := range all {
		if within(quota, is) {
			checks = append(checks, checked("resource-quota", quota.Name, Refuses, exceeds(quota, is), exceeds(quota, was)))
		}
	}
	return checks
}

// exceeds is what of a quota one more pod would exceed, as the admission plugin
// ResourceQuota sees it: what is left, and that every container says what it takes of
// a resource that the quota is about.
func exceeds(quota corev1.ResourceQuota, pod *corev1.Pod) (wrong []string) {
	options := helpers.PodResourcesOptions{}
	takes := usage(helpers.PodRequests(pod, options), helpers.PodLimits(pod, options))
	for _, name := range slices.Sorted(maps.Keys(quota.Status.Hard)) {
		hard, used := quota.Status.Hard[name], quota.Status.Used[name]
		if silent := containersWithout(name, pod); len(silent) > 0 {
			wrong = append(wrong, fmt.Sprintf("%s: %s says nothing of it, and the quota asks every container to", name, strings.Join(silent, ", ")))
			continue
		}
		more, ok := takes[name]
		if !ok {
			continue
		}
		sum := used.DeepCopy()
		sum.Add(more)
		if sum.Cmp(hard) > 0 {
			wrong = append(wrong, fmt.Sprintf("%s: the pod takes %s, %s of %s is used", name, &more, &used, &hard))
		}
	}
	return wrong
}

// mustSay are the resources of which a quota asks every container to say what it takes
// (validationSet in pkg/quota/v1/evaluator/core of Kubernetes).
var mustSay = []corev1.ResourceName{
	corev1.ResourceCPU, corev1.ResourceMemory, corev1.ResourceRequestsCPU, corev1.ResourceRequestsMemory,
	corev1.ResourceLimitsCPU, corev1.ResourceLimitsMemory,
}

// containersWithout are the containers that say nothing of a resource that they must.
func containersWithout(name corev1.ResourceName, pod *corev1.Pod) (silent []string) {
	if !slices.Contains(mustSay, name) || helpers.IsPodLevelResourcesSet(pod) {
		return nil
	}
	for _, c := range slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers) {
		if _, says := usage(c.Resources.Requests, c.Resources.Limits)[name]; !says {
			silent = append(silent, fmt.Sprintf("container %q", c.Name))
		}
	}
	return silent
}

// usage is what requests and limits come to in a quota's terms, for one pod.
func usage(requests, limits corev1.ResourceList) corev1.ResourceList {
	out := corev1.ResourceList{corev1.ResourcePods: resource.MustParse("1"), "count/pods": resource.MustParse("1")}
	for name, request := range requests {
		out["requests."+name] = request
		if slices.Contains([]corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory, corev1.ResourceEphemeralStorage}, name) ||
			strings.HasPrefix(string(name), corev1.ResourceHugePagesPrefix) {
			out[name] = request
		}
	}
	for name, limit := range limits {
		out["limits."+name] = limit
	}
	return out
}

// within says whether a quota is about a pod.
func within(quota corev1.ResourceQuota, pod *corev1.Pod) bool {
	selectors := []corev1.ScopedResourceSelectorRequirement{}
	for _, scope := range quota.Spec.Scopes {
		selectors = append(selectors, corev1.ScopedResourceSelectorRequirement{ScopeName: scope, Operator: corev1.ScopeSelectorOpExists})
	}
	if quota.Spec.ScopeSelector != nil {
		selectors = append(selectors, quota.Spec.ScopeSelector.MatchExpressions...)
	}
	return !slices.ContainsFunc(selectors, func(s corev1.ScopedResourceSelectorRequirement) bool { return !scoped(s, pod) })
}

// scoped says whether a pod is in a scope.
func scoped(s corev1.ScopedResourceSelectorRequirement, pod *corev1.Pod) bool {
	ends := pod.Spec.ActiveDeadlineSeconds != nil && *pod.Spec.ActiveDeadlineSeconds >= 0
	options := helpers.PodResourcesOptions{}
	bestEffort := len(helpers.PodRequests(pod, options)) == 0 && len(helpers.PodLimits(pod, options)) == 0
	switch s.ScopeName {
	case corev1.ResourceQuotaScopeTerminating:
		return ends
	case corev1.ResourceQuotaScopeNotTerminating:
		return !ends
	case corev1.ResourceQuotaScopeBestEffort:
		return bestEffort
	case corev1.ResourceQuotaScopeNotBestEffort:
		return !bestEffort
	case corev1.ResourceQuotaScopePriorityClass:
		return ofClass(s, pod.Spec.PriorityClassName)
	case corev1.ResourceQuotaScopeCrossNamespacePodAffinity:
		return crossesNamespaces(pod)
	}
	return false
}

func ofClass(s corev1.ScopedResourceSelectorRequirement, class string) bool {
	switch s.Operator {
	case corev1.ScopeSelectorOpIn:
		return slices.Contains(s.Values, class)
	case corev1.ScopeSelectorOpNotIn:
		return !slices.Contains(s.Values, class)
	case corev1.ScopeSelectorOpDoesNotExist:
		return class == ""
	}
	return class != ""
}

func crossesNamespaces(pod *corev1.Pod) bool {
	affinity := pod.Spec.Affinity
	if affinity == nil {
		return false
	}
	var terms []corev1.PodAffinityTerm
	weighted := []corev1.WeightedPodAffinityTerm{}
	if a := affinity.PodAffinity; a != nil {
		terms = append(terms, a.RequiredDuringSchedulingIgnoredDuringExecution...)
		weighted = append(weighted, a.PreferredDuringSchedulingIgnoredDuringExecution...)
	}
	if a := affinity.PodAntiAffinity; a != nil {
		terms = append(terms, a.RequiredDuringSchedulingIgnoredDuringExecution...)
		weighted = append(weighted, a.PreferredDuringSchedulingIgnoredDuringExecution...)
	}
	for _, w := range weighted {
		terms = append(terms, w.PodAffinityTerm)
	}
	return slices.ContainsFunc(terms, func(t corev1.PodAffinityTerm) bool { return len(t.Namespaces) > 0 || t.NamespaceSelector != nil })
}
