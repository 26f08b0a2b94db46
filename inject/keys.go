package inject

// keys are sorted by name. Defaults that come from a configuration's values are
// named by their place there.
var keys = []Key{
	{
		Name: "apm.datadoghq.com/env", On: annotated, Values: "JSON object", Default: "none",
		Effect: "sets variables on the proxy, where the tracer is datadog", ignore: jsonObject, deny: plainNames,
	},
	{
		Name: "inject.istio.io/templates", On: annotated, Values: "names of templates, by comma", Default: "defaultTemplates",
		Effect: "chooses the templates that are laid over the pod; one that is unknown refuses it",
	},
	{
		Name: "istio-injection", On: []Place{OnNamespaceLabel}, Values: "enabled or disabled", Default: "none",
		Effect: "has the pods of the namespace injected; any other value than enabled means no, whatever a pod says",
	},
	{
		Name: "istio.io/reroute-virtual-interfaces", On: annotated, Values: "names of interfaces, by comma", Default: "none",
		Effect: "treats what arrives on these interfaces as outbound", deny: interfaces,
	},
	{
		Name: "istio.io/rev", On: []Place{OnNamespaceLabel, OnPodLabel, Written}, Values: "a revision", Default: "default",
		Effect: "names the revision that injects; on an injected pod, as an annotation, the one that did",
	},
	{
		Name: "k8s.v1.cni.cncf.io/networks", On: []Place{OnPodAnnotation, Written}, Values: "a list by comma, or JSON", Default: "none",
		Effect: "gets Istio's network appended, where the CNI provider is multus", deny: unquoted,
	},
	{
		Name: "kubectl.kubernetes.io/default-container", On: []Place{OnPodAnnotation, Written}, Values: "a container's name",
		Default: "the first container that is not the proxy", Effect: "is what kubectl exec takes", deny: plain,
	},
	{
		Name: "kubectl.kubernetes.io/default-logs-container", On: []Place{OnPodAnnotation, Written}, Values: "a container's name",
		Default: "the first container that is not the proxy", Effect: "is what kubectl logs takes", deny: plain,
	},
	{
		Name: "networking.istio.io/tunnel", On: []Place{OnPodLabel, Written}, Values: "http", Default: "http, where HBONE is on",
		Effect: "says that the pod takes traffic by tunnel",
	},
	{
		Name: "openshift.io/sa.scc.supplemental-groups", On: []Place{OnNamespaceAnnotation}, Values: "start/size or start-end", Default: "the user's range",
		Effect: "is where the proxy's group comes from on OpenShift: the last of the first block",
	},
	{
		Name: "openshift.io/sa.scc.uid-range", On: []Place{OnNamespaceAnnotation}, Values: "start/size or start-end", Default: "1337",
		Effect: "is where the proxy's user comes from on OpenShift: the last of the range",
	},
	{
		Name: "outrigger.dev/allow-missing-sidecar", On: annotated, Values: "true", Default: "none",
		Effect: "has the pod created although its sidecar is missing, where admissionPolicies.missing is deny", ignore: oneOf("true"),
	},
	{
		Name: "outrigger.dev/injection", On: []Place{Written}, Values: "JSON", Default: "none",
		Effect: "records who injected the pod and why, and what takes the injection back",
	},
	{
		Name: "prometheus.io/path", On: []Place{OnPodAnnotation, Written}, Values: "a path", Default: "/metrics",
		Effect: "is where the application's metrics are; rewritten to the agent's, which adds them to its own",
	},
	{
		Name: "prometheus.io/port", On: []Place{OnPodAnnotation, Written}, Values: "a port, none of the proxy's own", Default: "none",
		Effect: "is where the application's metrics are; rewritten to the agent's",
	},
	{
		Name: "prometheus.io/scrape", On: []Place{OnPodAnnotation, Written}, Values: "true or false", Default: "true",
		Effect: "keeps all three as they are when false", ignore: boolean,
	},
	{
		Name: "prometheus.istio.io/merge-metrics", On: annotated, Values: "true or false", Default: "enablePrometheusMerge of the mesh",
		Effect: "leaves the prometheus annotations alone when false", ignore: boolean,
	},
	{
		Name: "prometheus.istio.io/scrape-targets", On: annotated, Values: "port[:/path], by comma", Default: "none",
		Effect: "names several places of the application's metrics",
	},
	{
		Name: "prometheus.istio.io/secure-port", On: []Place{OnPodAnnotation, Written}, Values: "a port", Default: "none",
		Effect: "tells scrapers where merged metrics are served over mutual TLS",
	},
	{
		Name: "proxy.istio.io/config", On: annotated, Values: "a ProxyConfig as YAML", Default: "defaultConfig of the mesh",
		Effect: "is laid over the mesh's configuration of proxies, for this pod", deny: anything,
	},
	{
		Name: "proxy.istio.io/overrides", On: []Place{OnPodAnnotation, Written}, Values: "JSON", Default: "none",
		Effect: "keeps the user's own containers that a template was laid under, and stands for them where the pod has none", deny: jsonObject,
	},
	{
		Name: "readiness.status.sidecar.istio.io/failureThreshold", On: annotated, Values: "a number", Default: "global.proxy.readinessFailureThreshold",
		Effect: "is the proxy's readiness probe's", deny: seconds,
	},
	{
		Name: "readiness.status.sidecar.istio.io/initialDelaySeconds", On: annotated, Values: "seconds", Default: "global.proxy.readinessInitialDelaySeconds",
		Effect: "is the proxy's readiness probe's", deny: seconds,
	},
	{
		Name: "readiness.status.sidecar.istio.io/periodSeconds", On: annotated, Values: "seconds", Default: "global.proxy.readinessPeriodSeconds",
		Effect: "is the proxy's readiness probe's", deny: seconds,
	},
	{
		Name: "resource.opentelemetry.io/service.instance.id", On: annotated, Values: "text", Default: "namespace, pod and container",
		Effect: "is an attribute of the proxy's telemetry, where a provider enriches by OpenTelemetry's conventions", deny: plain,
	},
	{
		Name: "resource.opentelemetry.io/service.namespace", On: annotated, Values: "text", Default: "the namespace",
		Effect: "is an attribute of the proxy's telemetry", deny: plain,
	},
	{
		Name: "resource.opentelemetry.io/service.version", On: annotated, Values: "text", Default: "label app.kubernetes.io/version, or the image's tag",
		Effect: "is an attribute of the proxy's telemetry", deny: plain,
	},
	{
		Name: "security.istio.io/tlsMode", On: []Place{OnPodLabel, Written}, Values: "istio or disabled", Default: "istio",
		Effect: "tells the others whether the pod takes mutual TLS",
	},
	{
		Name: "service.istio.io/canonical-name", On: []Place{OnPodLabel, Written}, Values: "a name", Default: "app.kubernetes.io/name, app, the workload's name",
		Effect: "is the service's name in telemetry",
	},
	{
		Name: "service.istio.io/canonical-revision", On: []Place{OnPodLabel, Written}, Values: "a name", Default: "app.kubernetes.io/version, version, latest",
		Effect: "is the service's revision in telemetry",
	},
	{
		Name: "service.istio.io/workload-name", On: []Place{OnPodLabel}, Values: "a name", Default: "the workload's name",
		Effect: "is the workload's name in telemetry",
	},
	{
		Name: "sidecar.istio.io/agentLogLevel", On: annotated, Values: "scope:level, by comma", Default: "global.logging.level",
		Effect: "is what the agent logs", deny: plain,
	},
	{
		Name: "sidecar.istio.io/bootstrapOverride", On: annotated, Values: "a ConfigMap's name", Default: "none",
		Effect: "replaces the proxy's bootstrap by the ConfigMap's", deny: plain,
	},
	{
		Name: "sidecar.istio.io/capNetBindService", On: annotated, Values: "true or false", Default: "global.proxy.capNetBindService",
		Effect: "lets the proxy listen below port 1024", deny: plain, ignore: trueOrFalse,
	},
	{
		Name: "sidecar.istio.io/componentLogLevel", On: annotated, Values: "component:level, by comma", Default: "global.proxy.componentLogLevel",
		Effect: "is what the proxy's components log", deny: plain,
	},
	{
		Name: "sidecar.istio.io/inject", On: []Place{OnPodLabel, OnPodAnnotation}, Values: "true or false", Default: "the namespace's",
		Effect: "has the pod injected, or not; the label goes before the annotation", Instead: "a label of that name",
	},
	{
		Name: "sidecar.istio.io/interceptionMode", On: []Place{OnPodAnnotation, Written}, Values: "REDIRECT, TPROXY or NONE", Default: "interceptionMode of the mesh's proxies",
		Effect: "is how traffic gets to the proxy", deny: oneOf("REDIRECT", "TPROXY", "NONE"),
	},
	{
		Name: "sidecar.istio.io/logLevel", On: annotated, Values: "a level", Default: "global.proxy.logLevel",
		Effect: "is what the proxy logs", deny: plain,
	},
	{
		Name: "sidecar.istio.io/nativeSidecar", On: annotated, Values: "true or false", Default: "ENABLE_NATIVE_SIDECARS, or what the nodes support",
		Effect: "has the proxy as an init container that stays, or as a container", ignore: trueOrFalse,
	},
	{
		Name: "sidecar.istio.io/proxyCPU", On: annotated, Values: "a quantity", Default: "global.proxy.resources",
		Effect: resourcesEffect, deny: quantity,
	},
	{
		Name: "sidecar.istio.io/proxyCPULimit", On: annotated, Values: "a quantity", Default: "global.proxy.resources",
		Effect: resourcesEffect, deny: quantity,
	},
	{
		Name: "sidecar.istio.io/proxyImage", On: annotated, Values: "an image, with a slash in it", Default: "global.hub, global.proxy.image, global.tag",
		Effect: "is the image of the proxy and of the init container", deny: plain, ignore: withSlash,
	},
	{
		Name: "sidecar.istio.io/proxyImageType", On: annotated, Values: "default, debug or distroless", Default: "image.imageType of the ProxyConfig, or global.variant",
		Effect: "is the suffix of the image's tag", deny: plain,
	},
	{
		Name: "sidecar.istio.io/proxyMemory", On: annotated, Values: "a quantity", Default: "global.proxy.resources",
		Effect: resourcesEffect, deny: quantity,
	},
	{
		Name: "sidecar.istio.io/proxyMemoryLimit", On: annotated, Values: "a quantity", Default: "global.proxy.resources",
		Effect: resourcesEffect, deny: quantity,
	},
	{
		Name: "sidecar.istio.io/rewriteAppHTTPProbers", On: annotated, Values: "true or false", Default: "sidecarInjectorWebhook.rewriteAppHTTPProbe",
		Effect: "has the kubelet's probes made by the agent, or leaves them alone", ignore: boolean,
	},
	{
		Name: "sidecar.istio.io/status", On: []Place{Written}, Values: "JSON", Default: "none",
		Effect: "lists what the templates added, for Istio's tools",
	},
	{
		Name: "sidecar.istio.io/userVolume", On: annotated, Values: "JSON: a list of volumes, or an object, name to source", Default: "none",
		Effect: "adds volumes to the pod", ignore: volumeSources, deny: plainNames, spell: spellVolumes,
	},
	{
		Name: "sidecar.istio.io/userVolumeMount", On: annotated, Values: "JSON: a list of mounts, or an object, name to mount", Default: "none",
		Effect: "mounts volumes in the proxy", ignore: volumeMounts, deny: plainNames, spell: spellMounts,
	},
	{
		Name: "status.sidecar.istio.io/port", On: annotated, Values: "a port; 0 for none", Default: "global.proxy.statusPort",
		Effect: "is where the agent answers probes; 0 takes the proxy's own probes off", deny: port,
	},
	{
		Name: "topology.istio.io/network", On: []Place{OnPodLabel, Written}, Values: "a network", Default: "the path's, or global.network",
		Effect: "is the network that the pod is in",
	},
	{
		Name: "traffic.sidecar.istio.io/excludeInboundPorts", On: []Place{OnPodAnnotation, Written}, Values: "ports, by comma", Default: "global.proxy.excludeInboundPorts",
		Effect: "does not redirect what comes to these ports", deny: ports,
	},
	{
		Name: "traffic.sidecar.istio.io/excludeInterfaces", On: []Place{OnPodAnnotation, Written}, Values: "names of interfaces, by comma", Default: "none",
		Effect: "does not redirect what passes these interfaces", deny: interfaces,
	},
	{
		Name: "traffic.sidecar.istio.io/excludeOutboundIPRanges", On: []Place{OnPodAnnotation, Written}, Values: "CIDRs, by comma", Default: "global.proxy.excludeIPRanges",
		Effect: "does not redirect what goes to these addresses", deny: ipRanges,
	},
	{
		Name: "traffic.sidecar.istio.io/excludeOutboundPorts", On: []Place{OnPodAnnotation, Written}, Values: "ports, by comma", Default: "global.proxy.excludeOutboundPorts",
		Effect: "does not redirect what goes to these ports", deny: ports,
	},
	{
		Name: "traffic.sidecar.istio.io/includeInboundPorts", On: []Place{OnPodAnnotation, Written}, Values: "* or ports, by comma", Default: "global.proxy.includeInboundPorts",
		Effect: "redirects what comes to these ports", deny: wildcardOr(ports),
	},
	{
		Name: "traffic.sidecar.istio.io/includeOutboundIPRanges", On: []Place{OnPodAnnotation, Written}, Values: "* or CIDRs, by comma", Default: "global.proxy.includeIPRanges",
		Effect: "redirects what goes to these addresses", deny: wildcardOr(ipRanges),
	},
	{
		Name: "traffic.sidecar.istio.io/includeOutboundPorts", On: []Place{OnPodAnnotation, Written}, Values: "ports, by comma", Default: "global.proxy.includeOutboundPorts",
		Effect: "redirects what goes to these ports, whatever its address", deny: plain,
	},
	{
		Name: "traffic.sidecar.istio.io/kubevirtInterfaces", On: []Place{OnPodAnnotation, Written}, Values: "names of interfaces, by comma", Default: "none",
		Effect: "treats what arrives on these interfaces as outbound", Instead: "istio.io/reroute-virtual-interfaces", deny: interfaces,
	},
}

// annotated is where most keys are read.
var annotated = []Place{OnPodAnnotation}

const resourcesEffect = "is what the proxy and the init container ask for; with one of the four, the values' are not looked at"

// anything is the check of a key whose value is checked where it is used.
func anything(string) error { return nil }
