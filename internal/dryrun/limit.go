package dryrun

import (
	"context"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	helpers "k8s.io/component-helpers/resource"
)

// limits say what the namespace's LimitRanges have against a pod.
func (s *run) limits(ctx context.Context, namespace string, before, after *corev1.Pod) ([]Check, error) {
	ranges, err := s.ranges(ctx, namespace)
	if err != nil {
		return nil, err
	}
	return Limits(ranges, before, after), nil
}

// Limits say what LimitRanges have against a pod with and without what injection does to it.
func Limits(ranges []corev1.LimitRange, before, after *corev1.Pod) (checks []Check) {
	if len(ranges) == 0 {
		return nil
	}
	was, is := withDefaults(before, ranges), withDefaults(after, ranges)
	for _, limits := range ranges {
		checks = append(checks, checked("limit-range", limits.Name, Refuses, outside(limits, is), outside(limits, was)))
	}
	return checks
}

// ranges are the LimitRanges of a namespace, asked for once a question.
func (s *run) ranges(ctx context.Context, namespace string) ([]corev1.LimitRange, error) {
	if s.Cluster.LimitRanges == nil {
		return nil, nil
	}
	return s.limitRanges.get(namespace, func() ([]corev1.LimitRange, error) { return s.Cluster.LimitRanges(ctx, namespace) })
}

// withDefaults is a pod with the resources that the API server fills in: requests
// from limits, then what LimitRanges give to containers that say nothing. Both come
// after the webhooks, too.
func withDefaults(pod *corev1.Pod, ranges []corev1.LimitRange) *corev1.Pod {
	out := pod.DeepCopy()
	for _, list := range [][]corev1.Container{out.Spec.InitContainers, out.Spec.Containers} {
		for i := range list {
			r := &list[i].Resources
			r.Requests = fill(r.Requests, r.Limits)
			for _, limits := range ranges {
				for _, item := range limits.Spec.Limits {
					if item.Type == corev1.LimitTypeContainer {
						r.Limits, r.Requests = fill(r.Limits, item.Default), fill(r.Requests, item.DefaultRequest)
					}
				}
			}
		}
	}
	return out
}

// fill is a list with what another has besides.
func fill(list, from corev1.ResourceList) corev1.ResourceList {
	out := corev1.ResourceList{}
	maps.Copy(out, from)
	maps.Copy(out, list)
	return out
}

// outside is what of a pod is outside of a LimitRange, as the admission plugin
// LimitRanger sees it: each container, and the pod as a whole.
func outside(limits corev1.LimitRange, pod *corev1.Pod) (wrong []string) {
	for _, item := range limits.Spec.Limits {
		switch item.Type {
		case corev1.LimitTypeContainer:
			for _, c := range slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers) {
				wrong = append(wrong, held(item, fmt.Sprintf("container %q", c.Name), c.Resources.Requests, c.Resources.Limits)...)
			}
		case corev1.LimitTypePod:
			options := helpers.PodResourcesOptions{}
			wrong = append(wrong, held(item, "the pod", helpers.PodRequests(pod, options), helpers.PodLimits(pod, options))...)
		}
	}
	return wrong
}

// held holds requests and limits against one item.
func held(item corev1.LimitRangeItem, who string, requests, limits corev1.ResourceList) (wrong []string) {
	for _, name := range slices.Sorted(maps.Keys(item.Min)) {
		least := item.Min[name]
		request, asked := requests[name]
		limit, limited := limits[name]
		switch {
		case !asked:
			wrong = append(wrong, fmt.Sprintf("%s requests no %s, want at least %s", who, name, &least))
		case request.Cmp(least) < 0:
			wrong = append(wrong, fmt.Sprintf("%s requests %s %s, want at least %s", who, &request, name, &least))
		case limited && limit.Cmp(least) < 0:
			wrong = append(wrong, fmt.Sprintf("%s is limited to %s %s, want at least %s", who, &limit, name, &least))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(item.Max)) {
		most := item.Max[name]
		request := requests[name]
		limit, limited := limits[name]
		switch {
		case !limited:
			wrong = append(wrong, fmt.Sprintf("%s has no limit of %s, want at most %s", who, name, &most))
		case limit.Cmp(most) > 0:
			wrong = append(wrong, fmt.Sprintf("%s is limited to %s %s, want at most %s", who, &limit, name, &most))
		case request.Cmp(most) > 0:
			wrong = append(wrong, fmt.Sprintf("%s requests %s %s, want at most %s", who, &request, name, &most))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(item.MaxLimitRequestRatio)) {
		most := item.MaxLimitRequestRatio[name]
		if is, known := ratio(requests, limits, name); !known || is > most.AsApproximateFloat64() {
			wrong = append(wrong, fmt.Sprintf("%s has a limit of %s that is not within %s times its request", who, name, &most))
		}
	}
	return wrong
}

// ratio is a limit by its request; it is not known where one of them is missing or zero.
func ratio(requests, limits corev1.ResourceList, name corev1.ResourceName) (float64, bool) {
	request, limit := requests[name], limits[name]
	if request.IsZero() || limit.IsZero() {
		return 0, false
	}
	return limit.AsApproximateFloat64() / request.AsApproximateFloat64(), true
}
