package templates

import (
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/wrapperspb"
	meshconfig "istio.io/api/mesh/v1alpha1"
	networking "istio.io/api/networking/v1alpha3"
)

// DefaultMesh returns Istio's code defaults, over which a mesh configuration is
// laid: what istiod 1.31 has in effect with an empty one. Each call makes a new
// value, the caller's to change.
func DefaultMesh() *meshconfig.MeshConfig {
	everywhere := func() []string { return []string{"*"} }
	return &meshconfig.MeshConfig{
		ConnectTimeout:                 durationpb.New(10 * time.Second),
		DefaultConfig:                  defaultProxyConfig(),
		DefaultDestinationRuleExportTo: everywhere(),
		DefaultProviders:               &meshconfig.MeshConfig_DefaultProviders{},
		DefaultServiceExportTo:         everywhere(),
		DefaultVirtualServiceExportTo:  everywhere(),
		DnsRefreshRate:                 durationpb.New(60 * time.Second),
		EnableAutoMtls:                 wrapperspb.Bool(true),
		EnablePrometheusMerge:          wrapperspb.Bool(true),
		EnableTracing:                  true,
		ExtensionProviders:             defaultProviders(),
		InboundTrafficPolicy:           &meshconfig.MeshConfig_InboundTrafficPolicy{},
		IngressClass:                   "istio",
		IngressControllerMode:          meshconfig.MeshConfig_STRICT,
		IngressService:                 "istio-ingressgateway",
		LocalityLbSetting:              &networking.LocalityLoadBalancerSetting{Enabled: wrapperspb.Bool(true)},
		OutboundTrafficPolicy: &meshconfig.MeshConfig_OutboundTrafficPolicy{
			Mode: meshconfig.MeshConfig_OutboundTrafficPolicy_ALLOW_ANY,
		},
		ProtocolDetectionTimeout: durationpb.New(0),
		ProxyInboundListenPort:   15006,
		ProxyListenPort:          15001,
		RootNamespace:            "istio-system",
		TrustDomain:              "cluster.local",
	}
}

// defaultProxyConfig is defaultConfig of DefaultMesh. What a pod's ProxyConfig
// shares with it is left out of the pod (protoToJSON).
func defaultProxyConfig() *meshconfig.ProxyConfig {
	return &meshconfig.ProxyConfig{
		BinaryPath:               "/usr/local/bin/envoy",
		ClusterName:              &meshconfig.ProxyConfig_ServiceCluster{ServiceCluster: "istio-proxy"},
		ConfigPath:               "./etc/istio/proxy",
		ControlPlaneAuthPolicy:   meshconfig.AuthenticationPolicy_MUTUAL_TLS,
		DiscoveryAddress:         "istiod.istio-system.svc:15012",
		DrainDuration:            durationpb.New(45 * time.Second),
		ProxyAdminPort:           15000,
		StatNameLength:           189,
		StatusPort:               15020,
		TerminationDrainDuration: durationpb.New(5 * time.Second),
	}
}

// defaultProviders are the telemetry providers that need no configuration.
func defaultProviders() []*meshconfig.MeshConfig_ExtensionProvider {
	type provider = meshconfig.MeshConfig_ExtensionProvider
	return []*provider{
		{Name: "prometheus", Provider: &meshconfig.MeshConfig_ExtensionProvider_Prometheus{
			Prometheus: &meshconfig.MeshConfig_ExtensionProvider_PrometheusMetricsProvider{},
		}},
		{Name: "stackdriver", Provider: &meshconfig.MeshConfig_ExtensionProvider_Stackdriver{
			Stackdriver: &meshconfig.MeshConfig_ExtensionProvider_StackdriverProvider{},
		}},
		{Name: "envoy", Provider: &meshconfig.MeshConfig_ExtensionProvider_EnvoyFileAccessLog{
			EnvoyFileAccessLog: &meshconfig.MeshConfig_ExtensionProvider_EnvoyFileAccessLogProvider{
				Path: "/dev/stdout",
			},
		}},
	}
}
