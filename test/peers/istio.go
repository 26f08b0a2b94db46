// Package peers puts Outrigger beside Istio's own injector: the same reviews, on
// the same configuration, in one process. "make bench-peers" prints the table.
//
// # What is compared
//
// Both are called as HTTP handlers, in process and without TLS: Istio's webhook
// as its inject.NewWebhook puts it on a mux, and Outrigger's server with its
// whole chain (see the package test/bench). Istio is a library here, at the
// version that go.mod pins, built with the Kubernetes libraries of Outrigger's
// version.
//
// The configuration is what Istio's operator renders of the charts in that module:
// config, values and mesh. Outrigger gets the same three texts, once as they are
// ("outrigger-istio-templates") and once without the templates, so that its own
// built-in ones apply ("outrigger").
//
// # What is not quite the same
//
// Istio's webhook is told that native sidecars are on; set to "auto" it would look
// at every node for each pod, which Outrigger does when a node changes. Istio's
// log goes to /dev/null and Outrigger's to a writer that throws it away: a write
// is about a microsecond. Istio's webhook counts in OpenTelemetry without a
// reader, Outrigger in Prometheus' client.
package peers

import (
	"errors"
	"fmt"
	"net/http"

	"google.golang.org/protobuf/types/known/wrapperspb"
	meshconfig "istio.io/api/mesh/v1alpha1"
	networking "istio.io/api/networking/v1beta1"
	"istio.io/istio/operator/pkg/render"
	"istio.io/istio/pilot/pkg/features"
	"istio.io/istio/pilot/pkg/model"
	"istio.io/istio/pkg/config"
	"istio.io/istio/pkg/config/mesh"
	"istio.io/istio/pkg/config/mesh/meshwatcher"
	"istio.io/istio/pkg/config/schema/gvk"
	istioinject "istio.io/istio/pkg/kube/inject"
	"istio.io/istio/pkg/kube/multicluster"
	"istio.io/istio/pkg/log"

	"outrigger.dev/outrigger/inject"
)

// rendered is the configuration of Istio's charts, in the two ConfigMaps in which
// istiod finds it.
func rendered() (inject.Sources, error) {
	sets, _, err := render.GenerateManifest(nil, []string{"profile=empty", "components.pilot.enabled=true"}, false, nil, nil)
	if err != nil {
		return inject.Sources{}, err
	}
	texts := map[string]string{}
	for _, set := range sets {
		for _, object := range set.Manifests {
			data, _ := object.Object["data"].(map[string]any)
			if object.GetKind() != "ConfigMap" {
				continue
			}
			for key, value := range data {
				texts[object.GetName()+"/"+key], _ = value.(string)
			}
		}
	}
	s := inject.Sources{
		Config: []byte(texts["istio-sidecar-injector/config"]),
		Values: []byte(texts["istio-sidecar-injector/values"]),
		Mesh:   []byte(texts["istio/mesh"]),
	}
	if len(s.Config) == 0 || len(s.Values) == 0 || len(s.Mesh) == 0 {
		return s, errors.New("istio's charts: no ConfigMap with config, values and mesh")
	}
	return s, nil
}

// istio is the handler of Istio's webhook.
func istio(s inject.Sources, proxyConfigs []inject.ProxyConfig) (http.Handler, error) {
	quiet := log.DefaultOptions()
	quiet.OutputPaths = []string{"/dev/null"}
	if err := log.Configure(quiet); err != nil {
		return nil, err
	}
	features.EnableNativeSidecars = features.NativeSidecarModeEnabled
	m, err := mesh.ApplyMeshConfig(string(s.Mesh), mesh.DefaultMeshConfig())
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	_, err = istioinject.NewWebhook(istioinject.WebhookParameters{
		Watcher:      texts(s),
		Env:          environment(m, proxyConfigs),
		Mux:          mux,
		MultiCluster: multicluster.NewFakeController(),
	})
	return mux, err
}

// environment is what istiod knows besides: the mesh and the ProxyConfigs.
func environment(m *meshconfig.MeshConfig, proxyConfigs []inject.ProxyConfig) *model.Environment {
	store := model.NewFakeStore()
	for _, p := range proxyConfigs {
		store.Create(config.Config{
			Meta: config.Meta{GroupVersionKind: gvk.ProxyConfig, Name: p.Name, Namespace: p.Namespace},
			Spec: p.Spec,
		})
	}
	env := &model.Environment{Watcher: meshwatcher.NewTestWatcher(m), ConfigStore: store}
	env.SetPushContext(&model.PushContext{ProxyConfigs: model.GetProxyConfigs(store, m)})
	return env
}

// someProxyConfigs are so many, all of them for the whole mesh.
func someProxyConfigs(count int) []inject.ProxyConfig {
	var all []inject.ProxyConfig
	for i := range count {
		all = append(all, inject.ProxyConfig{
			Namespace: "istio-system", Name: fmt.Sprintf("all-%02d", i),
			Spec: &networking.ProxyConfig{
				Concurrency:          wrapperspb.Int32(int32(i)),
				EnvironmentVariables: map[string]string{fmt.Sprintf("SETTING_%d", i): fmt.Sprint(i)},
			},
		})
	}
	return all
}

// texts is an injection configuration that does not change.
type texts inject.Sources

// Get is for inject.Watcher of Istio.
func (t texts) Get() (*istioinject.Config, string, error) {
	c, err := istioinject.UnmarshalConfig(t.Config)
	return &c, string(t.Values), err
}

// Run is for inject.Watcher of Istio.
func (texts) Run(<-chan struct{}) {}

// SetHandler is for inject.Watcher of Istio.
func (texts) SetHandler(func(*istioinject.Config, string) error) {}
