package inject

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
)

// proxyOf is the proxy's container in a pod's tree, in whichever list it is;
// nil where the pod has none.
func proxyOf(pod object) object {
	spec := sub(pod, "spec")
	for _, list := range containerLists {
		if _, c := find(items(spec, list), "name", ProxyContainer); c != nil {
			return c
		}
	}
	return nil
}

// setEnv adds a variable to a container, behind all others that it has.
func setEnv(container object, name, value string) {
	var rest []any
	for _, item := range items(container, "env") {
		if identity(item, "name") != name {
			rest = append(rest, item)
		}
	}
	container["env"] = append(rest, object{"name": name, "value": value})
}

// nativeAnnotation chooses for one pod between a native and a classic sidecar.
const nativeAnnotation = "sidecar.istio.io/nativeSidecar"

// native says whether the proxy of a pod is to be a native sidecar (an init
// container with restartPolicy Always), and why:
//
//	the pod's annotation      "true" or "false"
//	ownerKinds                native or classic, for the workload that owns the pod
//	ENABLE_NATIVE_SIDECARS    "true" or "false"
//	anything else, "auto"     what the nodes support that the pod can land on
func (in *Injector) native(pod *corev1.Pod, owner Owner, nodes func(*corev1.PodSpec) Native) (bool, string) {
	switch annotated := pod.Annotations[nativeAnnotation]; annotated {
	case "true", "false":
		return annotated == "true", fmt.Sprintf("the pod's annotation %s is %q", nativeAnnotation, annotated)
	}
	if mode, ok := in.config.ownerKind(owner); ok && mode.Mode != "skip" {
		return mode.Mode == "native", fmt.Sprintf("the configuration's ownerKinds says %s for a %s", mode.Mode, owner.Kind)
	}
	switch set := in.env["ENABLE_NATIVE_SIDECARS"]; set {
	case "true", "false":
		return set == "true", fmt.Sprintf("ENABLE_NATIVE_SIDECARS is %q", set)
	}
	if nodes == nil {
		return false, "nothing is known of the nodes"
	}
	found := nodes(&pod.Spec)
	return found.Supported, found.Why
}
