package dryrun

import corev1 "k8s.io/api/core/v1"

// startOrder is in which order the containers of a pod start, before and after: init
// containers one after the other, then the others, which the kubelet starts in their
// order, waiting for postStart hooks.
func startOrder(before, after *corev1.Pod) StartOrder {
	was := map[string]bool{}
	for _, c := range append(before.Spec.InitContainers, before.Spec.Containers...) {
		was[c.Name] = true
	}
	return StartOrder{Before: containers(before, nil), After: containers(after, was)}
}

// containers lists those of a pod; was are the names of those that it had before,
// nil where all were.
func containers(pod *corev1.Pod, was map[string]bool) []Container {
	out := []Container{}
	for _, c := range pod.Spec.InitContainers {
		sidecar := c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways
		kind := "init"
		if sidecar {
			kind = "sidecar"
		}
		out = append(out, Container{
			Name: c.Name, Kind: kind, Injected: was != nil && !was[c.Name], Holds: !sidecar || c.StartupProbe != nil || hooked(c),
		})
	}
	for _, c := range pod.Spec.Containers {
		out = append(out, Container{Name: c.Name, Kind: "container", Injected: was != nil && !was[c.Name], Holds: hooked(c)})
	}
	return out
}

func hooked(c corev1.Container) bool { return c.Lifecycle != nil && c.Lifecycle.PostStart != nil }
