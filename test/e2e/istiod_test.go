package e2e_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"outrigger.dev/outrigger/test/e2e/injector"
)

// An istiod is where one has its configuration: a namespace with its two
// ConfigMaps, those of a revision. The process itself nobody misses here.
type istiod struct {
	namespace, revision string
}

// istiodConfig is what an istiod has under the key config: no key of ours, and one
// template that is not for pods. Its sidecar tells what it was made from.
const istiodConfig = `
policy: enabled
defaultTemplates: [sidecar]
injectedAnnotations: {example.com/config: GENERATION}
template: "this key is not read any more"
templates:
  sidecar: |
    metadata:
      annotations:
        istio.io/rev: {{ .Revision | default "default" | quote }}
        example.com/values: {{ .Values.global.generation | quote }}
        example.com/mesh: {{ .MeshConfig.RootNamespace | quote }}
        example.com/level: {{ index .ProxyConfig.ProxyMetadata "LEVEL" | quote }}
        example.com/mark: {{ index .ProxyConfig.ProxyMetadata "MARK" | quote }}
        example.com/uid: {{ .ProxyUID | quote }}
    spec:
      {{- if .NativeSidecars }}
      initContainers:
      {{- else }}
      containers:
      {{- end }}
      - name: istio-proxy
        image: {{ .Values.global.hub }}/proxyv2:{{ .Values.global.tag }}
        {{- if .NativeSidecars }}
        restartPolicy: Always
        {{- end }}
  waypoint: |
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: {{ .DeploymentName }}}
`

// newIstiod writes both ConfigMaps.
func newIstiod(t *testing.T, revision string) istiod {
	t.Helper()
	i := istiod{namespace: newNamespace(t, nil), revision: revision}
	i.write(t, "istio-sidecar-injector", i.injector(t, "one"))
	i.write(t, "istio", i.mesh("one"))
	return i
}

// injector is what the ConfigMap istio-sidecar-injector holds, of a generation.
func (i istiod) injector(t *testing.T, generation string, change ...func(values map[string]any)) map[string]string {
	t.Helper()
	var values map[string]any
	text := kubectl(t, "get", "configmap", first.ConfigMap(), "--namespace", injector.Namespace, "-o", "jsonpath={.data.values}")
	if err := json.Unmarshal([]byte(text), &values); err != nil {
		t.Fatal(err)
	}
	values["global"].(map[string]any)["generation"] = generation
	for _, c := range change {
		c(values)
	}
	encoded, err := json.Marshal(values)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]string{"config": strings.ReplaceAll(istiodConfig, "GENERATION", generation), "values": string(encoded)}
}

// mesh is what the ConfigMap istio holds, of a generation.
func (i istiod) mesh(generation string) map[string]string {
	return map[string]string{"meshNetworks": "networks: {}", "mesh": `
rootNamespace: ` + i.namespace + `-` + generation + `
defaultConfig: {proxyMetadata: {LEVEL: mesh, MARK: mesh}}
`}
}

// write makes or changes one of the ConfigMaps.
func (i istiod) write(t *testing.T, name string, data map[string]string) {
	t.Helper()
	configMaps := cluster.Client().CoreV1().ConfigMaps(i.namespace)
	name += "-" + i.revision
	_, err := configMaps.Create(within(t), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}, Data: data}, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		var patch []byte
		if patch, err = json.Marshal(map[string]any{"data": data}); err == nil {
			_, err = configMaps.Patch(within(t), name, types.MergePatchType, patch, metav1.PatchOptions{})
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}

// remove deletes one of the ConfigMaps.
func (i istiod) remove(t *testing.T, name string) {
	t.Helper()
	if err := cluster.Client().CoreV1().ConfigMaps(i.namespace).Delete(within(t), name+"-"+i.revision, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
}

// standIn installs a server in the place of an istiod's injector, with tags.
func (i istiod) standIn(t *testing.T, tags ...string) (server *injector.Injector, namespace string) {
	t.Helper()
	options := injector.Options{
		Revision: i.revision,
		Values:   []string{"istio.config=" + i.namespace + "/" + i.revision},
		Args:     []string{"--istio-config=" + i.namespace + "/" + i.revision, "--webhook-configuration=outrigger-injector-" + i.revision},
	}
	for n, tag := range tags {
		options.Values = append(options.Values, fmt.Sprintf("revisionTags[%d]=%s", n, tag))
		options.Args = append(options.Args, "--webhook-configuration=outrigger-tag-"+tag)
	}
	return install(t, options)
}

// refusals counts the events about each of the ConfigMaps.
func (i istiod) refusals(t *testing.T) (injector, mesh int) {
	t.Helper()
	events, err := cluster.Client().CoreV1().Events(i.namespace).List(within(t), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, event := range events.Items {
		switch {
		case event.Reason != "ConfigurationRefused":
		case event.InvolvedObject.Name == "istio-sidecar-injector-"+i.revision:
			injector++
		case event.InvolvedObject.Name == "istio-"+i.revision:
			mesh++
		}
	}
	return injector, mesh
}

// wantRefusals waits for so many events on each ConfigMap: they come after what
// they are about.
func wantRefusals(t *testing.T, i istiod, injector, mesh int) {
	t.Helper()
	ctx := within(t)
	for {
		onInjector, onMesh := i.refusals(t)
		if onInjector == injector && onMesh == mesh {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%d events on the injector's ConfigMap and %d on the mesh's, want %d and %d", onInjector, onMesh, injector, mesh)
		case <-time.After(100 * time.Millisecond):
		}
	}
}
