package analyze

import (
	"fmt"

	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"outrigger.dev/outrigger/internal/cluster"
)

// countsSidecar finds autoscalers by the resources of whole pods over workloads with a
// sidecar: what it uses and requests shifts the ratio.
func countsSidecar(s *Scene) ([]Finding, error) {
	var all []Finding
	for _, o := range s.kind("HorizontalPodAutoscaler") {
		var hpa autoscalingv2.HorizontalPodAutoscaler
		if err := o.into(&hpa); err != nil {
			return all, err
		}
		target := hpa.Spec.ScaleTargetRef
		for _, metric := range hpa.Spec.Metrics {
			container := s.firstContainer(o.Namespace, target.Kind, target.Name)
			if metric.Type != autoscalingv2.ResourceMetricSourceType || metric.Resource == nil || container == "" {
				continue
			}
			all = append(all, Finding{
				Object:  o.Subject,
				Message: fmt.Sprintf("scales %s %s by the %s of whole pods, and its pods have a sidecar", target.Kind, target.Name, metric.Resource.Name),
				Fix:     fmt.Sprintf("use type: ContainerResource with container: %s", container),
			})
		}
	}
	return all, nil
}

// firstContainer is the application's in a workload that is injected; "" where there is
// no such workload.
func (s *Scene) firstContainer(namespace, kind, name string) string {
	for _, p := range s.pods {
		if p.Namespace == namespace && p.Kind == kind && p.Name == name && p.Injected() && len(p.Before.Spec.Containers) > 0 {
			return p.Before.Spec.Containers[0].Name
		}
	}
	return ""
}

// brokenTemplate finds templates that the installation keeps out.
func brokenTemplate(s *Scene) ([]Finding, error) {
	var all []Finding
	for _, in := range s.Injectors {
		for _, t := range in.Templates() {
			if t.Quarantined == nil {
				continue
			}
			all = append(all, Finding{
				Object:  Subject{APIVersion: "v1", Kind: "ConfigMap", Name: cluster.Revised("outrigger", in.Revision())},
				Message: t.Quarantined.Error(), Fix: "outrigger template lint --config FILE",
			})
		}
	}
	return all, nil
}
