package templates_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"outrigger.dev/outrigger/templates"
)

// TestDefaultMesh holds the defaults against what istiod 1.31 prints of an empty
// mesh configuration.
func TestDefaultMesh(t *testing.T) {
	const want = `
connectTimeout: 10s
defaultConfig:
  binaryPath: /usr/local/bin/envoy
  configPath: ./etc/istio/proxy
  controlPlaneAuthPolicy: MUTUAL_TLS
  discoveryAddress: istiod.istio-system.svc:15012
  drainDuration: 45s
  proxyAdminPort: 15000
  serviceCluster: istio-proxy
  statNameLength: 189
  statusPort: 15020
  terminationDrainDuration: 5s
defaultDestinationRuleExportTo: ["*"]
defaultProviders: {}
defaultServiceExportTo: ["*"]
defaultVirtualServiceExportTo: ["*"]
dnsRefreshRate: 60s
enableAutoMtls: true
enablePrometheusMerge: true
enableTracing: true
extensionProviders:
- name: prometheus
  prometheus: {}
- name: stackdriver
  stackdriver: {}
- name: envoy
  envoyFileAccessLog:
    path: /dev/stdout
inboundTrafficPolicy: {}
ingressClass: istio
ingressControllerMode: STRICT
ingressService: istio-ingressgateway
localityLbSetting:
  enabled: true
outboundTrafficPolicy:
  mode: ALLOW_ANY
protocolDetectionTimeout: 0s
proxyInboundListenPort: 15006
proxyListenPort: 15001
rootNamespace: istio-system
trustDomain: cluster.local
`
	if diff := cmp.Diff(tree(t, want), tree(t, templates.DefaultMesh())); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	changed := templates.DefaultMesh()
	changed.DefaultConfig.StatusPort = 1
	changed.DefaultServiceExportTo[0] = "."
	if diff := cmp.Diff(tree(t, want), tree(t, templates.DefaultMesh())); diff != "" {
		t.Errorf("one caller's change is seen by the next: -want +got\n%s", diff)
	}
}
