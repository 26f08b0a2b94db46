package main

import (
	"context"
	"fmt"
	"strings"

	"outrigger.dev/outrigger/test/controlplane"
)

// A workload is something that pods are made for.
type workload struct {
	// names are what to call its pods' reviews, in the order of creation.
	names []string
	// kubectl makes it.
	kubectl []string
	// manifest is given to kubectl.
	manifest string
}

func (w workload) make(ctx context.Context, cluster *controlplane.ControlPlane) error {
	if w.manifest != "" {
		_, err := cluster.Apply(ctx, w.manifest)
		return err
	}
	_, err := cluster.Kubectl(ctx, append(w.kubectl, "--namespace="+namespace)...)
	return err
}

// workloads are those that are recorded. The name of each is its own and is
// nothing else's, so that a benchmark can put others in its place.
func workloads() []workload {
	web := container("web", 0)
	// A gateway's pod has the proxy for its only container, and no image.
	proxy := strings.NewReplacer("name: web", "name: istio-proxy", "example.com/web:1", "auto").Replace(web)
	return []workload{
		{names: []string{"deployment-1", "deployment-2"},
			kubectl: []string{"create", "deployment", "checkout", "--image=example.com/web:1", "--port=8080", "--replicas=2"}},
		{names: []string{"job"},
			kubectl: []string{"create", "job", "nightly-report", "--image=example.com/report:1"}},
		{names: []string{"bare"},
			kubectl: []string{"run", "one-of-a-kind", "--image=example.com/web:1", "--port=8080"}},
		{names: []string{"statefulset"}, manifest: statefulSet},
		deployment("opted-out", `, sidecar.istio.io/inject: "false"`, "{}", web),
		deployment("gateway", "", "{inject.istio.io/templates: gateway}", proxy),
		deployment("grpc-agent", "", "{inject.istio.io/templates: grpc-agent}", web),
		deployment("grpc-simple", "", "{inject.istio.io/templates: grpc-simple}", web),
		deployment("hold", "", `{proxy.istio.io/config: "holdApplicationUntilProxyStarts: true"}`, web),
		deployment("tproxy", "", "{sidecar.istio.io/interceptionMode: TPROXY}", web),
		shaped(1, 5), shaped(1, 40), shaped(1, 2000), shaped(10, 5), shaped(10, 40), shaped(100, 5),
	}
}

// shaped is a Deployment of so many containers with so many variables each.
func shaped(containers, env int) workload {
	var all strings.Builder
	for i := range containers {
		all.WriteString(container(fmt.Sprintf("app-%02d", i), env))
	}
	return deployment(fmt.Sprintf("containers-%d-env-%d", containers, env), "", "{}", all.String())
}

// deployment is a Deployment whose pods have these further labels (", key: value"),
// annotations and containers.
func deployment(name, labels, annotations, containers string) workload {
	return workload{names: []string{name}, manifest: fmt.Sprintf(`apiVersion: apps/v1
kind: Deployment
metadata: {name: web-%[1]s, namespace: %[2]s, labels: {app: web-%[1]s}}
spec:
  selector: {matchLabels: {app: web-%[1]s}}
  template:
    metadata:
      labels: {app: web-%[1]s, version: v1%[3]s}
      annotations: %[4]s
    spec:
      containers:
%[5]s`, name, namespace, labels, annotations, containers)}
}

// container is a container of an ordinary service, with so many variables.
func container(name string, env int) string {
	var b strings.Builder
	fmt.Fprintf(&b, `      - name: %s
        image: example.com/web:1
        ports: [{name: http, containerPort: 8080}]
        resources: {requests: {cpu: 100m, memory: 128Mi}, limits: {memory: 128Mi}}
        readinessProbe: {httpGet: {path: /ready, port: http}}
        livenessProbe: {httpGet: {path: /healthy, port: http}}
        env:
`, name)
	for i := range env {
		fmt.Fprintf(&b, "        - {name: SETTING_%04d, value: \"value %d\"}\n", i, i)
	}
	return b.String()
}

// statefulSet has what one with a database has: a volume of its own for each pod.
const statefulSet = `apiVersion: apps/v1
kind: StatefulSet
metadata: {name: inventory, namespace: ` + namespace + `}
spec:
  serviceName: inventory
  selector: {matchLabels: {app: inventory}}
  template:
    metadata: {labels: {app: inventory}}
    spec:
      containers:
      - name: database
        image: example.com/database:1
        ports: [{name: sql, containerPort: 5432}]
        volumeMounts: [{name: data, mountPath: /data}]
  volumeClaimTemplates:
  - metadata: {name: data}
    spec:
      accessModes: [ReadWriteOnce]
      resources: {requests: {storage: 1Gi}}
`
