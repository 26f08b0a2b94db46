package inject_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protojson"
	networking "istio.io/api/networking/v1beta1"
	"outrigger.dev/outrigger/inject"
)

// resources reads ProxyConfigs, a namespace, a name and a spec a line.
func resources(t *testing.T, lines string) func(string) []inject.ProxyConfig {
	t.Helper()
	all := map[string][]inject.ProxyConfig{}
	for line := range strings.Lines(lines) {
		where, doc, _ := strings.Cut(strings.TrimSpace(line), " ")
		namespace, name, ok := strings.Cut(where, "/")
		if !ok {
			continue
		}
		spec := &networking.ProxyConfig{}
		if err := protojson.Unmarshal([]byte(doc), spec); err != nil {
			t.Fatal(err)
		}
		all[namespace] = append(all[namespace], inject.ProxyConfig{Namespace: namespace, Name: name, Spec: spec})
	}
	return func(namespace string) []inject.ProxyConfig { return all[namespace] }
}

// The mesh says ORIGIN=mesh, and every level that is there says its own.
func TestProxyConfigPrecedence(t *testing.T) {
	const (
		root      = `istio-system/root {"environmentVariables": {"ORIGIN": "root", "ROOT": "y"}}` + "\n"
		namespace = `shop/all {"environmentVariables": {"ORIGIN": "namespace"}, "concurrency": 3}` + "\n"
		selected  = `shop/web {"selector": {"matchLabels": {"app": "web"}}, "environmentVariables": {"ORIGIN": "selector"}, "image": {"imageType": "debug"}}` + "\n"
		annotated = `proxyMetadata: {ORIGIN: annotation}`
	)
	in, err := inject.New(inject.Sources{
		Config: []byte("{policy: enabled}"), Values: []byte(minimalValues),
		Mesh: []byte("{rootNamespace: istio-system, defaultConfig: {proxyMetadata: {ORIGIN: mesh, MESH: here}}}"),
	}, inject.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	for sentence, c := range map[string]struct{ resources, annotation, labels, want string }{
		"nobody speaks but the mesh":                {want: "mesh MESH"},
		"the root namespace over the mesh":          {resources: root, want: "root MESH ROOT"},
		"the namespace over the root namespace":     {resources: root + namespace, want: "namespace MESH ROOT"},
		"the annotation over the namespace":         {resources: root + namespace, annotation: annotated, want: "annotation MESH ROOT"},
		"a selector over the annotation":            {resources: root + namespace + selected, annotation: annotated, want: "selector MESH ROOT debug"},
		"a selector that does not match":            {resources: selected, labels: `{"app": "db"}`, want: "mesh MESH"},
		"a namespace that is not the pod's":         {resources: `other/all {"environmentVariables": {"ORIGIN": "other"}}`, want: "mesh MESH"},
		"a selector in the root namespace":          {resources: strings.Replace(selected, "shop/", "istio-system/", 1), want: "mesh MESH"},
		"the oldest of two, alone":                  {resources: namespace + `shop/new {"environmentVariables": {"ORIGIN": "new", "ROOT": "y"}}`, want: "namespace MESH"},
		"an empty selector, as in Istio for nobody": {resources: `shop/none {"selector": {}, "environmentVariables": {"ORIGIN": "none"}}`, want: "mesh MESH"},
		"a value that ends its quotes": {resources: `shop/evil {"environmentVariables": {"A": "\"x"}}`,
			want: `ProxyConfig shop/evil: environmentVariables: A: "\"x" has a quote, a backslash or a control character, wanted none`},
	} {
		t.Run(sentence, func(t *testing.T) {
			labels := c.labels
			if labels == "" {
				labels = `{"app": "web"}`
			}
			pod := fmt.Sprintf(`{"metadata": {"name": "web", "labels": %s, "annotations": {"x": "y"`, labels)
			if c.annotation != "" {
				pod += fmt.Sprintf(`, "proxy.istio.io/config": %q`, c.annotation)
			}
			result, err := in.Inject(inject.Request{
				Pod:          []byte(pod + `}}, "spec": {"containers": [{"name": "app"}]}}`),
				Namespace:    inject.Namespace{Name: "shop"},
				ProxyConfigs: resources(t, c.resources),
			})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, origin(t, result)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// origin says what of the mesh's and the resources' variables the proxy has, and
// the type of its image where it has one; a denial's sentence.
func origin(t *testing.T, result inject.Result) string {
	t.Helper()
	if result.Decision.Verdict == inject.Deny {
		return result.Decision.Sentence
	}
	var pod struct {
		Spec struct {
			Containers []struct {
				Name, Image string
				Env         []struct{ Name, Value string }
			}
		}
	}
	if err := json.Unmarshal(result.Pod(), &pod); err != nil {
		t.Fatal(err)
	}
	var words []string
	for _, c := range pod.Spec.Containers {
		if c.Name != inject.ProxyContainer {
			continue
		}
		for _, name := range []string{"ORIGIN", "MESH", "ROOT"} {
			for _, v := range c.Env {
				switch {
				case v.Name == name && name == "ORIGIN":
					words = append(words, v.Value)
				case v.Name == name:
					words = append(words, name)
				}
			}
		}
		if _, kind, ok := strings.Cut(c.Image, "-"); ok {
			words = append(words, kind)
		}
	}
	return strings.Join(words, " ")
}

// Where a pod's ProxyConfig comes from is in the trace.
func TestProxyConfigIsInTheTrace(t *testing.T) {
	in, err := inject.New(inject.Sources{Config: []byte("{policy: enabled}"), Values: []byte(minimalValues)}, inject.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	result, err := in.Inject(inject.Request{
		Pod:          []byte(`{"metadata": {"name": "web", "annotations": {"proxy.istio.io/config": "concurrency: 1"}}, "spec": {"containers": [{"name": "app"}]}}`),
		Namespace:    inject.Namespace{Name: "shop"},
		ProxyConfigs: resources(t, `shop/all {"concurrency": 3}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	trace := result.Decision.Trace
	want := "proxy config: the mesh's, and over it ProxyConfig shop/all, the pod's annotation proxy.istio.io/config"
	if got := trace[len(trace)-1].Input; got != want {
		t.Errorf("last step of the trace: %q, want %q", got, want)
	}
}
