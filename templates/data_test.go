package templates_test

import (
	"encoding/json"
	"os"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	corev1 "k8s.io/api/core/v1"
	"outrigger.dev/outrigger/templates"
	"sigs.k8s.io/yaml"
)

// newData is the data of a pod that Deployment shop/web owns.
func newData(t testing.TB) *templates.Data {
	t.Helper()
	mesh := templates.DefaultMesh()
	data := &templates.Data{
		MeshConfig:               mesh,
		ProxyConfig:              mesh.DefaultConfig,
		Revision:                 "default",
		NativeSidecars:           true,
		ProxyImage:               "example.com/istio/proxyv2:1.31.4",
		ProxyInitImage:           "example.com/istio/proxyv2:1.31.4",
		ProxyUID:                 1337,
		ProxyGID:                 1337,
		InboundTrafficPolicyMode: "passthrough",
	}
	data.TypeMeta.APIVersion, data.TypeMeta.Kind = "apps/v1", "Deployment"
	data.DeploymentMeta.Namespace, data.DeploymentMeta.Name = "shop", "web"
	values, err := os.ReadFile("testdata/values.yaml")
	if err != nil {
		t.Fatal(err)
	}
	data.Values = tree(t, string(values))
	return data
}

func readData(t testing.TB, text func(string) string) *templates.Data {
	t.Helper()
	data := newData(t)
	if err := yaml.UnmarshalStrict([]byte(text("data.yaml")), data); err != nil {
		t.Fatal(err)
	}
	over(data.Values, tree(t, text("values.yaml")))
	if mesh := text("mesh.yaml"); mesh != "" {
		base := tree(t, data.MeshConfig)
		over(base, tree(t, mesh))
		doc, err := json.Marshal(base)
		if err != nil {
			t.Fatal(err)
		}
		data.MeshConfig.Reset()
		if err := protojson.Unmarshal(doc, data.MeshConfig); err != nil {
			t.Fatal(err)
		}
		data.ProxyConfig = data.MeshConfig.DefaultConfig
	}
	readPod(t, data, text("pod.yaml"))
	return data
}

func readPod(t testing.TB, data *templates.Data, doc string) {
	t.Helper()
	var pod corev1.Pod
	if err := yaml.UnmarshalStrict([]byte(doc), &pod); err != nil {
		t.Fatal(err)
	}
	data.ObjectMeta, data.Spec = pod.ObjectMeta, pod.Spec
}

// tree is a document, or a value that has one, as maps and lists.
func tree(t testing.TB, value any) map[string]any {
	t.Helper()
	doc, isText := value.(string)
	if !isText {
		written, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		doc = string(written)
	}
	read := map[string]any{}
	if err := yaml.Unmarshal([]byte(doc), &read); err != nil {
		t.Fatal(err)
	}
	return read
}

// over lays a map over another.
func over(dst, src map[string]any) {
	for key, value := range src {
		into, isMap := dst[key].(map[string]any)
		from, alsoMap := value.(map[string]any)
		if isMap && alsoMap {
			over(into, from)
			continue
		}
		dst[key] = value
	}
}
