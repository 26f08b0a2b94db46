package analyze

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"outrigger.dev/outrigger/internal/dryrun"
)

// What admission after Outrigger says is told of where it refuses the injected pod, and
// would have let in the one that was asked for.

// refusals are findings about pods that workloads would make, of the first check of each
// that refuses what injection adds.
func (s *Scene) refusals(checks func(Pod) []dryrun.Check, find func(p Pod, name, why string) (message, fix string)) []Finding {
	return s.perOwner(func(p Pod) (string, string) {
		if p.Running || !p.Injected() {
			return "", ""
		}
		for _, c := range checks(p) {
			if c.Verdict == dryrun.Refuses && c.ByInjection {
				return find(p, c.Name, strings.Join(c.Sentences, "; "))
			}
		}
		return "", ""
	})
}

// forbidden finds pods that Pod Security would refuse for what injection adds.
func forbidden(s *Scene) ([]Finding, error) {
	return s.refusals(
		func(p Pod) []dryrun.Check { return dryrun.PodSecurity(s.namespace(p.Namespace), p.Before, p.After) },
		func(_ Pod, level, why string) (string, string) {
			return fmt.Sprintf("Pod Security (%s) refuses what injection adds: %s", level, why),
				"outrigger install --set pilot.cni.enabled=true, with a CNI plugin that redirects"
		}), nil
}

// outsideLimits finds pods that a LimitRange would refuse with the sidecar.
func outsideLimits(s *Scene) ([]Finding, error) {
	ranges, err := typed[corev1.LimitRange](s, "LimitRange")
	if err != nil || len(ranges) == 0 {
		return nil, err
	}
	return s.refusals(
		func(p Pod) []dryrun.Check { return dryrun.Limits(ranges[p.Namespace], p.Before, p.After) },
		func(_ Pod, name, why string) (string, string) {
			return fmt.Sprintf("LimitRange %s refuses the pod with its sidecar: %s", name, why),
				"say on the pods what the sidecar takes: sidecar.istio.io/proxyCPU, proxyMemory, proxyCPULimit, proxyMemoryLimit"
		}), nil
}

// outsideQuota finds pods of which one more does not fit into a quota with its sidecar,
// and would without.
func outsideQuota(s *Scene) ([]Finding, error) {
	quotas, err := typed[corev1.ResourceQuota](s, "ResourceQuota")
	if err != nil || len(quotas) == 0 {
		return nil, err
	}
	ranges, err := typed[corev1.LimitRange](s, "LimitRange")
	if err != nil {
		return nil, err
	}
	return s.refusals(
		func(p Pod) []dryrun.Check {
			return dryrun.Quotas(quotas[p.Namespace], ranges[p.Namespace], p.Before, p.After)
		},
		func(p Pod, name, why string) (string, string) {
			return fmt.Sprintf("ResourceQuota %s has no room for one more pod with its sidecar: %s", name, why),
				fmt.Sprintf("kubectl edit resourcequota %s -n %s, to make room for it", name, p.Namespace)
		}), nil
}

// typed are all objects of a kind by their namespaces.
func typed[T any](s *Scene, kind string) (map[string][]T, error) {
	all := map[string][]T{}
	for _, o := range s.kind(kind) {
		var t T
		if err := o.into(&t); err != nil {
			return nil, err
		}
		all[o.Namespace] = append(all[o.Namespace], t)
	}
	return all, nil
}
