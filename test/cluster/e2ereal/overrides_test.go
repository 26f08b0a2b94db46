package e2ereal_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
)

// extra is a ConfigMap that the sidecars of this file mount.
const extra = `
apiVersion: v1
kind: ConfigMap
metadata: {name: extra}
data: {greeting: hello}
---`

// What a pod's author says in annotations is so in the sidecar's process.
func TestAnnotationsReachTheSidecar(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	s.apply(t, extra+`
apiVersion: v1
kind: Pod
metadata:
  name: web
  annotations:
    sidecar.istio.io/proxyCPU: 10m
    sidecar.istio.io/proxyCPULimit: 250m
    sidecar.istio.io/proxyMemory: 32Mi
    sidecar.istio.io/proxyMemoryLimit: 96Mi
    sidecar.istio.io/userVolume: '{"extra": {"configMap": {"name": "extra"}}}'
    sidecar.istio.io/userVolumeMount: '{"extra": {"mountPath": "/etc/extra", "readOnly": true}}'
    proxy.istio.io/config: |
      terminationDrainDuration: 2s
      proxyMetadata: {TEAM: shop}
spec:
  containers:
  - {name: web, image: APP, args: [serve], readinessProbe: {httpGet: {path: /readyz, port: 8080}, periodSeconds: 1}}
`)
	proxy := processOf(t, s.ready(t, "web"), "istio-proxy")
	proxy.wantUser(t, "1337", "1337")
	proxy.wantMemory(t, "100663296")
	proxy.wantCPU(t, "25000")
	proxy.wantEnv(t, "GOMEMLIMIT=100663296")
	proxy.wantEnv(t, "TEAM=shop")
	if got := proxy.read(t, "root/etc/extra/greeting"); got != "hello" {
		t.Errorf("the user's volume has %q, want hello", got)
	}
	if env := proxy.read(t, "environ"); !strings.Contains(env, `"terminationDrainDuration":"2s"`) {
		t.Errorf("environment %q, want the author's terminationDrainDuration in PROXY_CONFIG", env)
	}
}

// A container istio-proxy of the pod's own goes before the template, and what belongs to it
// follows: the connections of another user are the proxy's then.
func TestOwnContainerOverridesTheTemplate(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	peer := newSpace(t).peer(t)
	s.apply(t, extra)
	for name, native := range map[string]bool{"native": true, "classic": false} {
		t.Run(name, func(t *testing.T) {
			s.apply(t, fmt.Sprintf(`
apiVersion: v1
kind: Pod
metadata: {name: %s, annotations: {sidecar.istio.io/nativeSidecar: "%t"}}
spec:
  containers:
  - {name: web, image: APP, args: [serve], readinessProbe: {httpGet: {path: /readyz, port: 8080}, periodSeconds: 1}}
  - name: istio-proxy
    image: auto
    imagePullPolicy: IfNotPresent # or the API server makes it Always, for an image without a tag
    env: [{name: TEAM, value: shop}]
    resources: {requests: {cpu: 7m}, limits: {cpu: 300m, memory: 80Mi}}
    securityContext: {runAsUser: 4321, runAsGroup: 4321}
    volumeMounts: [{name: extra, mountPath: /etc/extra}]
  volumes: [{name: extra, configMap: {name: extra}}]
`, name, native))
			pod := s.ready(t, name)
			if got := len(pod.Spec.Containers); got != map[bool]int{true: 1, false: 2}[native] {
				t.Errorf("%d containers: want the proxy among the init containers if it is native, and only then", got)
			}
			proxy := processOf(t, pod, "istio-proxy")
			proxy.wantUser(t, "4321", "4321")
			proxy.wantMemory(t, "83886080")
			proxy.wantCPU(t, "30000")
			proxy.wantEnv(t, "TEAM=shop")
			if got := proxy.read(t, "root/etc/extra/greeting"); got != "hello" {
				t.Errorf("the user's volume has %q, want hello", got)
			}
			fetch(t, pod, "http://"+peer+":8080/")
			want := map[string]int{"inbound 8080": 1, "outbound 8080": 1}
			if d := cmp.Diff(want, connections(t, pod)); d != "" {
				t.Errorf("connections through the sidecar (-want +got):\n%s", d)
			}
		})
	}
}

// An application that asks once, at once, gets an answer: it is started when the proxy is ready.
func TestHoldApplicationByProxyConfig(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	peer := newSpace(t).peer(t)
	s.apply(t, `
apiVersion: v1
kind: Pod
metadata:
  name: hasty
  annotations:
    sidecar.istio.io/nativeSidecar: "false"
    proxy.istio.io/config: '{"holdApplicationUntilProxyStarts": true}'
spec:
  restartPolicy: Never
  containers:
  - {name: hasty, image: APP, args: [get, "http://`+peer+`:8080/"]}
`)
	pod := s.await(t, "hasty", func(pod *corev1.Pod) error {
		if st := status(pod, "hasty"); st == nil || st.State.Terminated == nil {
			return fmt.Errorf("the application has not ended: %v", st)
		}
		return nil
	})
	if code := status(pod, "hasty").State.Terminated.ExitCode; code != 0 {
		t.Errorf("the application ended with %d, want 0: its only request was answered", code)
	}
	if names := pod.Spec.Containers; names[0].Name != "istio-proxy" {
		t.Errorf("the first container is %q, want the proxy", names[0].Name)
	}
	if d := cmp.Diff(map[string]int{"outbound 8080": 1}, connections(t, pod)); d != "" {
		t.Errorf("connections through the sidecar (-want +got):\n%s", d)
	}
}
