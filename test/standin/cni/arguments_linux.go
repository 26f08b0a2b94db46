package main

import (
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
)

// sent are the arguments of istio-iptables by the annotations that they come from.
var sent = []struct{ annotation, flag string }{
	{"sidecar.istio.io/interceptionMode", "-m"},
	{"traffic.sidecar.istio.io/includeOutboundIPRanges", "-i"},
	{"traffic.sidecar.istio.io/excludeOutboundIPRanges", "-x"},
	{"traffic.sidecar.istio.io/includeInboundPorts", "-b"},
	{"traffic.sidecar.istio.io/includeOutboundPorts", "-q"},
	{"traffic.sidecar.istio.io/excludeOutboundPorts", "-o"},
}

// ownPorts are those of the proxy that are never redirected to it.
const ownPorts = "15020,15021,15090"

// arguments are what the pod's init container would call istio-iptables with, and whether it
// should be called at all:
//
//	the pod has no sidecar, by its annotation of that                no
//	it has no container istio-proxy, or one that redirects nothing   no
//	it sets the rules itself, in istio-init                          no
//	otherwise                                                        yes
func arguments(pod *corev1.Pod) (args []string, wanted bool) {
	proxy := container(pod, "istio-proxy")
	if pod.Annotations["sidecar.istio.io/status"] == "" || proxy == nil || container(pod, "istio-init") != nil ||
		!slices.Contains(proxy.Args, "sidecar") || pod.Annotations["sidecar.istio.io/interceptionMode"] == "NONE" {
		return nil, false
	}
	if user := userOf(proxy); user != nil {
		args = append(args, "-u", strconv.FormatInt(*user, 10))
	}
	excluded := ownPorts
	if more := pod.Annotations["traffic.sidecar.istio.io/excludeInboundPorts"]; more != "" {
		excluded += "," + more
	}
	args = append(args, "-d", excluded)
	for _, s := range sent {
		if value, there := pod.Annotations[s.annotation]; there {
			args = append(args, s.flag, value)
		}
	}
	return args, true
}

// container is a container or an init container of the pod, nil if there is none.
func container(pod *corev1.Pod, name string) *corev1.Container {
	for _, list := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range list {
			if list[i].Name == name {
				return &list[i]
			}
		}
	}
	return nil
}

func userOf(c *corev1.Container) *int64 {
	if c.SecurityContext == nil {
		return nil
	}
	return c.SecurityContext.RunAsUser
}
