package e2e_test

import (
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"outrigger.dev/outrigger/test/e2e/injector"
)

// Pods that have what an injection would add, or more than a pod may have with
// it.
func TestOddNames(t *testing.T) {
	t.Parallel()
	plain, injected := newNamespace(t, nil), newNamespace(t, enabled)
	t.Cleanup(func() { wantSecondCallsIdle(t, injected) })
	for sentence, odd := range map[string]oddPod{
		"a volume that is the proxy's, in the proxy's own way": {
			pod: `
spec:
  containers: [{name: app, image: a, volumeMounts: [{name: istio-data, mountPath: /state}, {name: workload-socket, mountPath: /spiffe}]}]
  volumes: [{name: istio-data, emptyDir: {}}, {name: workload-socket, emptyDir: {}}]
`,
		},
		"a volume that is the proxy's, with a limit": {
			pod: `
spec:
  volumes: [{name: istio-envoy, emptyDir: {sizeLimit: 1Gi}}, {name: workload-socket, csi: {driver: csi.spiffe.io, readOnly: true}}]
`,
			rewritten: []string{"istio-envoy"},
			check: func(t *testing.T, pod *corev1.Pod) {
				for _, v := range pod.Spec.Volumes {
					if v.Name == "istio-envoy" && (v.EmptyDir.Medium != corev1.StorageMediumMemory || v.EmptyDir.SizeLimit.String() != "1Gi") {
						t.Errorf("volume istio-envoy: %+v", v.EmptyDir)
					}
				}
			},
		},
		"a volume that is the proxy's, with other contents": {
			pod: `
spec:
  volumes: [{name: istiod-ca-cert, configMap: {name: my-ca, optional: true}}]
`,
			warnings:  []string{`volume "istiod-ca-cert": the template's configMap replaces the pod's; rename the pod's volume`},
			rewritten: []string{"istiod-ca-cert"},
		},
		"a volume that is the proxy's, of another kind": {
			pod: `
spec:
  containers: [{name: app, image: a, volumeMounts: [{name: istio-envoy, mountPath: /envoy}]}]
  volumes: [{name: istio-envoy, configMap: {name: my-envoy}}]
`,
			refusal: `volume "istio-envoy": the template has emptyDir and the pod configMap; rename the pod's volume`,
		},
		"a container of the proxy's name among the others": {
			pod: `
spec:
  containers: [{name: app, image: a}, {name: istio-proxy, image: example.com/proxy:mine, resources: {requests: {cpu: 1m}}, env: [{name: MINE, value: "1"}]}]
`,
			containers: []string{"app"},
			rewritten:  []string{"istio-proxy"},
			check:      wantOwnProxy,
		},
		"a container of the proxy's name among the init containers": {
			pod: `
spec:
  initContainers: [{name: first, image: a}, {name: istio-proxy, restartPolicy: Always, image: example.com/proxy:mine, resources: {requests: {cpu: 1m}}, env: [{name: MINE, value: "1"}]}]
`,
			init:      []string{"istio-init", "istio-proxy", "first"},
			rewritten: []string{"istio-proxy"},
			check:     wantOwnProxy,
		},
		"the proxy's image left to the template": {
			pod: `
spec:
  containers: [{name: istio-proxy, image: auto, resources: {requests: {cpu: 1m}}}, {name: app, image: a}]
`,
			containers: []string{"app"},
			rewritten:  []string{"istio-proxy"},
			check: func(t *testing.T, pod *corev1.Pod) {
				if p := proxy(pod); !strings.Contains(p.Image, "proxyv2") || p.Resources.Requests.Cpu().String() != "1m" {
					t.Errorf("image %s, resources %v", p.Image, p.Resources)
				}
			},
		},
		"a container that is named as the one that redirects": {
			pod: `
spec:
  containers: [{name: app, image: a}, {name: istio-init, image: b}]
`,
			refusal: `container "istio-init": the template and the pod have it in different lists, containers and initContainers; rename the pod's`,
		},
		"ports of the proxy's, by number and by name": {
			pod: `
spec:
  initContainers: [{name: log, image: a, restartPolicy: Always, ports: [{containerPort: 15021}]}]
  containers: [{name: app, image: a, ports: [{containerPort: 15090, name: http-envoy-prom}, {containerPort: 15006, protocol: UDP}, {containerPort: 80}]}]
`,
			warnings: []string{
				`container "app": port 15090 is the proxy's own`,
				`container "log": port 15021 is the proxy's own`,
				"spec.containers[0].ports[0]: duplicate port definition with spec.initContainers[1].ports[0]",
				`spec.containers[0].ports[0]: duplicate port name "http-envoy-prom" with spec.initContainers[1].ports[0]`,
			},
		},
		"the proxy's user, in a container": {
			pod: `
spec:
  containers: [{name: app, image: a, securityContext: {runAsUser: 1337}}, {name: other, image: a, securityContext: {runAsUser: 1338}}]
`,
			warnings: []string{`container "app" runs as the proxy's user 1337: its traffic is not redirected`},
		},
		"the proxy's user, in the whole pod": {
			pod: `
spec:
  securityContext: {runAsUser: 1337}
  initContainers: [{name: setup, image: a}]
  containers: [{name: app, image: a}, {name: other, image: a, securityContext: {runAsUser: 1338}}]
`,
			warnings: []string{
				`container "app" runs as the proxy's user 1337: its traffic is not redirected`,
				`container "setup" runs as the proxy's user 1337: its traffic is not redirected`,
			},
		},
		"labels as long as they may be": {
			pod:   fmt.Sprintf("metadata: {name: long-labels, labels: {app: %[1]s, version: %[1]s}}", letters(63)),
			check: canonical(letters(63)),
		},
		"a name as long as it may be, with a dot where a label ends": {
			pod:   "metadata: {name: " + strings.Repeat(letters(62)+".", 4) + "n}",
			check: canonical(letters(62)),
		},
		"a name to be generated, longer than that": {
			pod:   "metadata: {generateName: " + strings.Repeat(letters(49)+"-", 5) + "}",
			check: canonical(letters(49) + "-" + letters(13)),
		},
		"annotations that leave room for ours": {
			pod: "metadata: {name: large, annotations: {example.com/large: " + letters(246<<10) + "}}",
		},
		"annotations that leave no room for ours": {
			pod:     "metadata: {name: larger, annotations: {example.com/large: " + letters(255<<10) + "}}",
			refusal: fmt.Sprintf("denied the request: annotations: the pod has %d bytes and an injection adds ", len("example.com/large")+(255<<10)),
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			odd.try(t, first, plain, injected)
		})
	}
}

// Where the configuration wants it, the proxy's user is refused to others.
func TestProxyUserDenied(t *testing.T) {
	t.Parallel()
	server, injected := install(t, injector.Options{Revision: "users"})
	configure(t, server, "policy: enabled\ncheckNamespace: true\nuserCollision: deny\n")
	before, err := server.Readiness(within(t))
	if err != nil {
		t.Fatal(err)
	}
	await(t, server, func(c injector.Check) bool { return c.Hash != before.Checks["configuration"].Hash })
	plain := newNamespace(t, nil)
	const refusal = `denied the request: container %q runs as user 1337, which is the proxy's: its traffic would not be redirected; choose another user`
	for sentence, odd := range map[string]oddPod{
		"in a container": {
			pod:     "spec:\n  containers: [{name: app, image: a}, {name: other, image: a, securityContext: {runAsUser: 1337}}]",
			refusal: fmt.Sprintf(refusal, "other"),
		},
		"in the whole pod": {
			pod:     "spec:\n  securityContext: {runAsUser: 1337}",
			refusal: fmt.Sprintf(refusal, "app"),
		},
		"in the whole pod, but in no container": {
			pod: "spec:\n  securityContext: {runAsUser: 1337}\n  containers: [{name: app, image: a, securityContext: {runAsUser: 1}}]",
		},
		"where nothing is redirected": {
			pod:  "metadata: {name: none, annotations: {sidecar.istio.io/interceptionMode: NONE}}\nspec:\n  securityContext: {runAsUser: 1337}",
			init: []string{"istio-proxy"},
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			odd.try(t, server, plain, injected)
		})
	}
}

// Controllers make names longer than what they are made from, and cut them.
func TestControllersWithLongNames(t *testing.T) {
	t.Parallel()
	namespace := newNamespace(t, enabled)
	const rest = `spec: {selector: {matchLabels: {long: "yes"}}, template: {metadata: {labels: {long: "yes"}}, spec: {containers: [{name: app, image: a}]}}}`
	name := letters(60) + ".-"[:1] + letters(61)
	for _, kind := range []string{"Deployment", "DaemonSet"} {
		if _, err := cluster.Apply(within(t), "apiVersion: apps/v1\nkind: "+kind+"\nmetadata: {name: "+name+", namespace: "+namespace+"}\n"+rest); err != nil {
			t.Fatal(err)
		}
	}
	kubectl(t, "rollout", "status", "deployment/"+name, "--timeout=60s", "--namespace", namespace)
	kubectl(t, "rollout", "status", "daemonset/"+name, "--timeout=60s", "--namespace", namespace)
	for _, pod := range podsIn(t, namespace) {
		wantInjected(t, pod)
		canonical(letters(60)+"."+letters(2))(t, &pod)
		wantFixed(t, first, &pod)
	}
}

// letters are so many.
func letters(n int) string { return strings.Repeat("n", n) }

// canonical checks the name by which the mesh knows a pod, which is a label.
func canonical(want string) func(*testing.T, *corev1.Pod) {
	return func(t *testing.T, pod *corev1.Pod) {
		t.Helper()
		if got := pod.Labels["service.istio.io/canonical-name"]; got != want {
			t.Errorf("canonical name %q, want %q", got, want)
		}
	}
}

// wantOwnProxy wants a proxy that is the author's where its author says something
// and the template's elsewhere.
func wantOwnProxy(t *testing.T, pod *corev1.Pod) {
	t.Helper()
	p := proxy(pod)
	if p.Image != "example.com/proxy:mine" || p.Resources.Requests.Cpu().String() != "1m" || variable(p, "MINE") != "1" {
		t.Errorf("image %s, resources %v, variables %v: want the author's", p.Image, p.Resources, p.Env)
	}
	if variable(p, "PILOT_CERT_PROVIDER") == "" || !mounts(p, "/var/run/secrets/tokens") {
		t.Error("the template's variables and mounts are missing")
	}
}
