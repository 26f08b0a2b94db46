package inject

import "slices"

// enforcedLabel is the label of a namespace by which Pod Security refuses pods
// (EnforceLevelLabel in k8s.io/pod-security-admission/api).
const enforcedLabel = "pod-security.kubernetes.io/enforce"

// checkPodSecurity warns of what Pod Security is about to refuse. It runs after
// us and says what is wrong with istio-init, a container that the pod's author
// never wrote, but not what would help. It is no reason to deny the pod: some
// users may be exempt, which only the API server knows.
func (r *rendering) checkPodSecurity() {
	level := r.namespace.Labels[enforcedLabel]
	if level != "baseline" && level != "restricted" {
		return
	}
	_, redirects := find(items(sub(r.merged, "spec"), "initContainers"), "name", initContainer)
	added := items(sub(sub(redirects, "securityContext"), "capabilities"), "add")
	if slices.Contains(added, any("NET_ADMIN")) {
		r.warn("Pod Security %q of this namespace forbids %s: let a CNI plugin redirect (pilot.cni.enabled=true)", level, initContainer)
	}
}
