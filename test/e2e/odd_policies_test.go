package e2e_test

import (
	"maps"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"outrigger.dev/outrigger/test/e2e/injector"
)

// compliant is a pod as Pod Security's level "restricted" wants it.
const compliant = `
spec:
  securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
  containers: [{name: app, image: a, securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}}]
`

// ownProfile is the same with the profile on the container: the pod says nothing
// about ours.
const ownProfile = `
spec:
  securityContext: {runAsNonRoot: true}
  containers: [{name: app, image: a, securityContext: {seccompProfile: {type: RuntimeDefault}, allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}}]
`

// The container that redirects traffic is root and may change the network, which
// Pod Security forbids, and says of whom it speaks. Where a CNI plugin redirects,
// all that is injected is as the strictest level wants it.
func TestPodSecurity(t *testing.T) {
	t.Parallel()
	cni, _ := install(t, injector.Options{Revision: "cni", Values: []string{
		"pilot.cni.enabled=true", "global.proxy.seccompProfile.type=RuntimeDefault",
	}})
	bare, _ := install(t, injector.Options{Revision: "cni-bare", Values: []string{"pilot.cni.enabled=true"}})
	byCNI := []string{"istio-validation", "istio-proxy"}
	for sentence, c := range map[string]struct {
		level  string
		server *injector.Injector
		odd    oddPod
	}{
		"restricted": {"restricted", first, oddPod{
			pod:      compliant,
			warnings: []string{`Pod Security "restricted" of this namespace forbids istio-init: let a CNI plugin redirect (pilot.cni.enabled=true)`},
			refusal: `violates PodSecurity "restricted:latest": unrestricted capabilities (container "istio-init" must not include "NET_ADMIN", "NET_RAW" in securityContext.capabilities.add), ` +
				`runAsNonRoot != true (container "istio-init" must not set securityContext.runAsNonRoot=false), runAsUser=0 (container "istio-init" must not set runAsUser=0)`,
		}},
		"baseline": {"baseline", first, oddPod{
			pod:      compliant,
			warnings: []string{`Pod Security "baseline" of this namespace forbids istio-init`},
			refusal:  `violates PodSecurity "baseline:latest": non-default capabilities (container "istio-init" must not include "NET_ADMIN", "NET_RAW" in securityContext.capabilities.add)`,
		}},
		"privileged": {"privileged", first, oddPod{pod: compliant}},
		"restricted, and a CNI plugin redirects": {"restricted", cni, oddPod{
			pod: compliant, init: byCNI,
		}},
		"restricted, a CNI plugin redirects, and the pod has no profile": {"restricted", cni, oddPod{
			pod: ownProfile, init: byCNI,
		}},
		"restricted, a CNI plugin redirects, and nobody has a profile for ours": {"restricted", bare, oddPod{
			pod:     ownProfile,
			refusal: `violates PodSecurity "restricted:latest": seccompProfile (pod or containers "istio-validation", "istio-proxy" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")`,
		}},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			level := map[string]string{"pod-security.kubernetes.io/enforce": c.level}
			labels := map[string]string{"istio-injection": "enabled"}
			if _, revision, _ := strings.Cut(c.server.Name(), "outrigger-injector-"); revision != "" {
				labels = map[string]string{"istio.io/rev": revision}
			}
			maps.Copy(labels, level)
			c.odd.try(t, c.server, newNamespace(t, level), newNamespace(t, labels))
		})
	}
}

// What a namespace gives to containers that say nothing reaches ours after us, and
// stays.
func TestLimitRange(t *testing.T) {
	t.Parallel()
	plain, injected := newNamespace(t, nil), newNamespace(t, enabled)
	for _, namespace := range []string{plain, injected} {
		if _, err := cluster.Apply(within(t), `
apiVersion: v1
kind: LimitRange
metadata: {name: all, namespace: `+namespace+`}
spec:
  limits:
  - {type: Container, default: {cpu: 500m, memory: 512Mi, ephemeral-storage: 1Gi}, defaultRequest: {cpu: 50m, memory: 64Mi}}
---
apiVersion: v1
kind: ResourceQuota
metadata: {name: all, namespace: `+namespace+`}
spec: {hard: {requests.cpu: "4", limits.memory: 16Gi, pods: "10"}}
`); err != nil {
			t.Fatal(err)
		}
	}
	for sentence, odd := range map[string]oddPod{
		"a pod that says nothing": {pod: "", check: func(t *testing.T, pod *corev1.Pod) {
			if limits := proxy(pod).Resources.Limits; limits.Cpu().String() != "2" || limits.StorageEphemeral().String() != "1Gi" {
				t.Errorf("the proxy's limits are %v, want the template's, and of others the range's", limits)
			}
		}},
		"a pod that says all": {pod: "spec:\n  containers: [{name: app, image: a, resources: {requests: {cpu: 1, memory: 1Gi}, limits: {cpu: 1, memory: 1Gi, ephemeral-storage: 2Gi}}}]"},
		"a pod with resources as a whole": {
			pod:      "spec:\n  resources: {requests: {cpu: 500m, memory: 1Gi}, limits: {cpu: 2, memory: 4Gi}}",
			warnings: []string{"the pod has resources as a whole"},
		},
	} {
		odd.rewritten = []string{"kubernetes.io/limit-ranger"} // says whom the range gave what
		t.Run(sentence, func(t *testing.T) { odd.try(t, first, plain, injected) })
	}
}
