package e2e_test

import (
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
)

// Fields that pods have besides their containers, all at once and one by one.
func TestOddFields(t *testing.T) {
	t.Parallel()
	plain, injected := newNamespace(t, nil), newNamespace(t, enabled)
	t.Cleanup(func() { wantSecondCallsIdle(t, injected) })
	for sentence, odd := range map[string]oddPod{
		"nothing but a container": {pod: ``},
		"maps that are null": {pod: `
metadata: {name: nulls, labels: null, annotations: null, ownerReferences: null, finalizers: null}
spec:
  initContainers: null
  volumes: null
  imagePullSecrets: null
  securityContext: null
  nodeSelector: null
  containers: [{name: app, image: a, env: null, ports: null}]
`},
		"lists and maps that are empty": {pod: `
metadata: {name: empty, labels: {}, annotations: {}}
spec:
  initContainers: []
  volumes: []
  imagePullSecrets: []
  securityContext: {}
  containers: [{name: app, image: a, env: [], ports: [], resources: {}, lifecycle: {}}]
`},
		"resources for the pod as a whole": {
			pod: `
spec:
  resources: {requests: {cpu: 100m, memory: 100Mi}, limits: {cpu: 200m, memory: 200Mi}}
`,
			warnings: []string{"the pod has resources as a whole, so the containers that are added have none of their own"},
			check:    wantNoResources,
		},
		"resources for the pod as a whole, and a container's own": {
			pod: `
spec:
  resources: {limits: {cpu: 200m, memory: 200Mi}}
  initContainers: [{name: setup, image: a, resources: {requests: {memory: 150Mi}}}]
  containers: [{name: app, image: a, resources: {requests: {cpu: 150m}, limits: {memory: 100Mi}}}]
`,
			warnings: []string{"the pod has resources as a whole, so the containers that are added have none of their own"},
			check:    wantNoResources,
		},
		"no token of its ServiceAccount": {
			pod: `
spec:
  automountServiceAccountToken: false
`,
			check: func(t *testing.T, pod *corev1.Pod) {
				for _, c := range slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers) {
					if mounts(c, "/var/run/secrets/kubernetes.io/serviceaccount") {
						t.Errorf("container %s has the token", c.Name)
					}
				}
				if !mounts(proxy(pod), "/var/run/secrets/tokens") {
					t.Error("the proxy lacks the token by which the mesh knows it")
				}
			},
		},
		"Windows": {
			pod: `
spec:
  os: {name: windows}
  nodeSelector: {kubernetes.io/os: windows}
  securityContext: {windowsOptions: {runAsUserName: ContainerUser}}
`,
			skipped: true, // by the API server already, which warns of nothing
		},
		"Linux, said aloud": {pod: `
spec:
  os: {name: linux}
`},
		"all that schedulers read": {pod: `
metadata: {name: scheduled, labels: {app: odd}}
spec:
  schedulingGates: [{name: example.com/quota}, {name: example.com/topology}]
  topologySpreadConstraints:
  - {maxSkew: 1, topologyKey: topology.kubernetes.io/zone, whenUnsatisfiable: ScheduleAnyway, labelSelector: {matchLabels: {app: odd}}, minDomains: null}
  - {maxSkew: 2, topologyKey: kubernetes.io/hostname, whenUnsatisfiable: DoNotSchedule, labelSelector: {matchLabels: {app: odd}}, nodeTaintsPolicy: Honor, matchLabelKeys: [pod-template-hash]}
  affinity:
    nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchFields: [{key: metadata.name, operator: In, values: [node-1]}]}]}}
    podAntiAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 1, podAffinityTerm: {topologyKey: kubernetes.io/hostname, labelSelector: {matchLabels: {app: odd}}, mismatchLabelKeys: [pod-template-hash]}}]}
  tolerations: [{operator: Exists}]
  priorityClassName: system-node-critical
  preemptionPolicy: PreemptLowerPriority
  readinessGates: [{conditionType: example.com/ready}]
`},
		"all that the network is made of": {pod: `
spec:
  hostAliases: [{ip: 127.0.0.1, hostnames: [db.local, cache.local]}, {ip: "::1", hostnames: [six.local]}]
  hostname: odd
  subdomain: shop
  setHostnameAsFQDN: true
  dnsPolicy: None
  dnsConfig: {nameservers: [192.0.2.53], searches: [shop.svc], options: [{name: ndots, value: "2"}, {name: edns0}]}
  enableServiceLinks: false
`},
		"all that the kernel is told": {pod: `
spec:
  hostUsers: false
  shareProcessNamespace: true
  terminationGracePeriodSeconds: 0
  securityContext:
    runAsUser: 1000
    runAsGroup: 1000
    runAsNonRoot: true
    fsGroup: 2000
    fsGroupChangePolicy: OnRootMismatch
    supplementalGroups: [3000]
    supplementalGroupsPolicy: Strict
    seccompProfile: {type: RuntimeDefault}
    appArmorProfile: {type: Unconfined}
    seLinuxOptions: {level: "s0:c1,c2"}
    sysctls: [{name: net.ipv4.ip_unprivileged_port_start, value: "0"}, {name: net.core.somaxconn, value: "1024"}]
`},
		"devices that are claimed": {pod: `
spec:
  resourceClaims: [{name: gpu, resourceClaimName: shared}, {name: nic, resourceClaimTemplateName: nic}]
  containers: [{name: app, image: a, resources: {claims: [{name: gpu}, {name: nic, request: vf}], requests: {cpu: 10m}}}]
`},
		"volumes of the newer kinds": {pod: `
spec:
  containers:
  - name: app
    image: a
    volumeMounts:
    - {name: model, mountPath: /model, readOnly: true, recursiveReadOnly: IfPossible}
    - {name: scratch, mountPath: /scratch, subPathExpr: $(POD), mountPropagation: HostToContainer}
    env: [{name: POD, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]
  volumes:
  - {name: model, image: {reference: example.com/model:1, pullPolicy: IfNotPresent}}
  - {name: scratch, ephemeral: {volumeClaimTemplate: {spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}}}
  - {name: trust, projected: {sources: [{clusterTrustBundle: {name: root, path: ca.pem}}, {serviceAccountToken: {path: token, audience: vault}}]}}
`},
		"a container that says when it is started again": {pod: `
spec:
  restartPolicy: Never
  containers: [{name: app, image: a, restartPolicy: Never, restartPolicyRules: [{action: Restart, exitCodes: {operator: In, values: [42]}}]}]
`},
		"a name for the host other than the pod's": {pod: `
spec:
  hostnameOverride: odd.example.com
`},
		"init containers, many and of both kinds": {
			pod: `
spec:
  initContainers:
  - {name: one, image: a}
  - {name: log, image: a, restartPolicy: Always, startupProbe: {tcpSocket: {port: 9000}}, readinessProbe: {httpGet: {path: /, port: 9000}}, lifecycle: {preStop: {httpGet: {path: /stop, port: 9000}}}}
  - {name: two, image: a}
  - {name: three, image: a, resources: {requests: {cpu: 3, memory: 1Gi}}}
  - {name: mesh, image: a, restartPolicy: Always}
  - {name: four, image: a}
`,
			rewritten: []string{"log"},
			check: func(t *testing.T, pod *corev1.Pod) {
				for _, path := range []string{"/app-health/log/startupz", "/app-health/log/readyz", "/app-lifecycle/log/prestopz"} {
					if probers := variable(proxy(pod), "ISTIO_KUBE_APP_PROBERS"); !strings.Contains(probers, path) {
						t.Errorf("the agent answers for %s, and not for %s", probers, path)
					}
				}
			},
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			odd.try(t, first, plain, injected)
		})
	}
}

// A mirror of a static pod, as a kubelet writes it: a node may create no other
// pods, and none that has a token or a claim to anything.
func TestMirrorPodOfAKubelet(t *testing.T) {
	t.Parallel()
	node, err := cluster.Client().CoreV1().Nodes().Get(within(t), "node-1", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	kubelet := rest.ImpersonationConfig{UserName: "system:node:node-1", Groups: []string{"system:nodes", "system:authenticated"}}
	got := postAs(t, kubelet, newNamespace(t, enabled), whole(`
metadata:
  name: static-node-1
  annotations: {kubernetes.io/config.hash: "0", kubernetes.io/config.mirror: "0", kubernetes.io/config.source: file}
  ownerReferences: [{apiVersion: v1, kind: Node, name: node-1, controller: true, uid: `+string(node.UID)+`}]
spec:
  nodeName: node-1
  enableServiceLinks: true
  tolerations: [{operator: Exists, effect: NoExecute}]
`))
	if got.Err != nil {
		t.Fatal(got.Err)
	}
	if injectedBy(got.Pod) != "" || len(got.Pod.Spec.Containers) != 1 || len(got.Warnings) > 0 {
		t.Errorf("injected by %q, warnings %q", injectedBy(got.Pod), got.Warnings)
	}
	audit := calls(t, got.Pod.Namespace+"/"+got.Pod.Name)[got.Pod.Namespace+"/"+got.Pod.Name]
	if len(audit) > 0 {
		t.Errorf("asked about: %+v", audit)
	}
}

func wantNoResources(t *testing.T, pod *corev1.Pod) {
	t.Helper()
	for _, c := range pod.Spec.InitContainers[:2] {
		if len(c.Resources.Requests)+len(c.Resources.Limits) > 0 {
			t.Errorf("container %s has resources: %v", c.Name, c.Resources)
		}
	}
}

// proxy is the container istio-proxy of a pod, wherever it is.
func proxy(pod *corev1.Pod) corev1.Container { return container(pod, "istio-proxy") }

// container is that of a name; it is empty where there is none.
func container(pod *corev1.Pod, name string) corev1.Container {
	for _, c := range slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers) {
		if c.Name == name {
			return c
		}
	}
	return corev1.Container{}
}

// mounts says whether a container has something at a path.
func mounts(c corev1.Container, path string) bool {
	return slices.ContainsFunc(c.VolumeMounts, func(m corev1.VolumeMount) bool { return m.MountPath == path })
}

// variable is the value of a container's variable.
func variable(c corev1.Container, name string) string {
	var value string
	for _, e := range c.Env {
		if e.Name == name {
			value = e.Value
		}
	}
	return value
}
