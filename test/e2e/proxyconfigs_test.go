package e2e_test

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"outrigger.dev/outrigger/test/e2e/injector"
)

// proxyConfigKind is the kind ProxyConfig, as far as the API server has to know it.
const proxyConfigKind = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: proxyconfigs.networking.istio.io}
spec:
  group: networking.istio.io
  scope: Namespaced
  names: {kind: ProxyConfig, listKind: ProxyConfigList, plural: proxyconfigs, singular: proxyconfig}
  versions:
  - name: v1beta1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
`

// proxyConfigOf is a resource that says at which level it is.
func proxyConfigOf(namespace, name, level, more string) string {
	return `
---
apiVersion: networking.istio.io/v1beta1
kind: ProxyConfig
metadata: {name: ` + name + `, namespace: ` + namespace + `}
spec: {environmentVariables: {LEVEL: ` + level + `}, unknown: field` + more + `}
`
}

func apply(t *testing.T, manifests string) {
	t.Helper()
	if _, err := cluster.Apply(within(t), manifests); err != nil {
		t.Fatal(err)
	}
}

// level is what wins for a pod.
func level(t *testing.T, namespace string, change ...func(*corev1.Pod)) string {
	t.Helper()
	pod := mustCreate(t, namespace, newPod("", append(change, func(pod *corev1.Pod) { pod.GenerateName = "level-" })...))
	if mark := pod.Annotations["example.com/mark"]; mark != "mesh" {
		t.Errorf("%s: mark is %q: the variables of a higher level take the others away", pod.Name, mark)
	}
	return pod.Annotations["example.com/level"]
}

// awaitLevel waits until pods get what is wanted.
func awaitLevel(t *testing.T, namespace, want string, change ...func(*corev1.Pod)) {
	t.Helper()
	ctx := within(t)
	for {
		got := level(t, namespace, change...)
		if got == want {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("level is %q, want %q", got, want)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// A server that started in a cluster without the kind ProxyConfig obeys them once
// there is one; each level goes before those below it; and without the kind the
// mesh is all there is again.
func TestProxyConfigsAreObeyed(t *testing.T) {
	t.Parallel()
	istiod := newIstiod(t, "levels")
	server, shop := istiod.standIn(t)
	other := newNamespace(t, map[string]string{"istio.io/rev": "levels"})
	root := newNamespace(t, nil)
	istiod.write(t, "istio", map[string]string{"mesh": "rootNamespace: " + root + "\ndefaultConfig: {proxyMetadata: {LEVEL: mesh, MARK: mesh}}"})
	if got := level(t, shop); got != "mesh" {
		t.Errorf("without resources: level %q, want mesh", got)
	}
	if log := logOf(t, server); !strings.Contains(log, `level=INFO msg="no ProxyConfigs: this cluster does not have the kind"`) {
		t.Errorf("the log does not say so:\n%s", log)
	}

	apply(t, proxyConfigKind)
	kubectl(t, "wait", "customresourcedefinition/proxyconfigs.networking.istio.io", "--for=condition=Established", "--timeout=60s")
	apply(t, proxyConfigOf(root, "all", "root", ""))
	awaitLevel(t, shop, "root")
	apply(t, proxyConfigOf(shop, "b-first", "namespace", ""))
	awaitLevel(t, shop, "namespace")
	apply(t, proxyConfigOf(shop, "b-second", "younger", "")+
		proxyConfigOf(shop, "broken", "broken", ", concurrency: many")+
		strings.Replace(proxyConfigOf(shop, "a-elsewhere", "elsewhere", ""), "metadata: {", "metadata: {labels: {istio.io/rev: elsewhere}, ", 1)+
		proxyConfigOf(shop, "picked", "selector", ", selector: {matchLabels: {app: picked}}"))
	picked := labelled(map[string]string{"app": "picked"})
	awaitLevel(t, shop, "selector", picked)
	says := annotated("proxy.istio.io/config", "proxyMetadata: {LEVEL: annotation}")
	for name, c := range map[string]struct {
		namespace string
		change    []func(*corev1.Pod)
		want      string
	}{
		"the oldest of its namespace":             {shop, nil, "namespace"},
		"the pod's annotation":                    {shop, []func(*corev1.Pod){says}, "annotation"},
		"what selects the pod":                    {shop, []func(*corev1.Pod){says, picked}, "selector"},
		"nothing in its namespace":                {other, nil, "root"},
		"what would select it, were it not there": {other, []func(*corev1.Pod){picked}, "root"},
		"the annotation, over the root's":         {other, []func(*corev1.Pod){says}, "annotation"},
	} {
		if got := level(t, c.namespace, c.change...); got != c.want {
			t.Errorf("%s: level %q, want %q", name, got, c.want)
		}
	}
	if log := logOf(t, server); !strings.Contains(log, `msg="ProxyConfig left out" err="ProxyConfig `+shop+`/broken: `) {
		t.Errorf("the log does not say which one is left out:\n%s", log)
	}

	kubectl(t, "delete", "proxyconfig", "picked", "--namespace", shop)
	awaitLevel(t, shop, "namespace", picked)
	kubectl(t, "delete", "customresourcedefinition", "proxyconfigs.networking.istio.io")
	awaitLevel(t, shop, "mesh")
	if err := server.Await(within(t), func(r injector.Readiness) bool { return r.Ready }); err != nil {
		t.Error(err)
	}
	wantNothingForbidden(t, server)
}
