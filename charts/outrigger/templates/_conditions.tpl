{{/*
Generated: go test ./test -run TestConditions -update

What the server decides by, in the API server's language.
*/}}

{{/* Why a pod should have a sidecar, or "". */}}
{{- define "outrigger.cel.due" -}}
object.spec.?hostNetwork.orValue(false) ? "" :
request.namespace in ["kube-system", "kube-public", "kube-node-lease", "local-path-storage"] ? "" :
"kubernetes.io/config.mirror" in variables.annotations ? "" :
object.spec.?os.?name.orValue("") == "windows" ? "" :
variables.labels[?"sidecar.istio.io/inject"].orValue("") == "false" ? "" :
variables.labels[?"sidecar.istio.io/inject"].orValue("") == "true" ? "pod-label" :
!("sidecar.istio.io/inject" in variables.labels) && variables.annotations[?"sidecar.istio.io/inject"].orValue("") == "false" ? "" :
!("sidecar.istio.io/inject" in variables.labels) && variables.annotations[?"sidecar.istio.io/inject"].orValue("") == "true" ? "pod-annotation" :
variables.checkNamespace && !(variables.namespaceLabels[?"istio-injection"].orValue("") == "enabled" || "istio.io/rev" in variables.namespaceLabels || "istio.io/rev" in variables.labels || variables.enableNamespacesByDefault && !("istio-injection" in variables.namespaceLabels)) ? "" :
variables.never ? "" :
variables.always ? "always-selector" :
variables.policy != "enabled" ? "" :
variables.policy == "enabled" ? "policy" :
""
{{- end }}

{{/* Whether it has one. */}}
{{- define "outrigger.cel.injected" -}}
"sidecar.istio.io/status" in variables.annotations && (!variables.annotations["sidecar.istio.io/status"].matches("ontainers\":\\s*\\[\\s*\"") || (object.spec.containers + object.spec.?initContainers.orValue([])).exists(c, variables.annotations["sidecar.istio.io/status"].contains("\"" + c.name + "\"")))
{{- end }}

{{/* Whether nobody has allowed that it has none. */}}
{{- define "outrigger.cel.notAllowed" -}}
object.metadata.?annotations[?"outrigger.dev/allow-missing-sidecar"].orValue("") != "true"
{{- end }}

{{/* Every key that injection or Istio reads. */}}
{{- define "outrigger.keys.known" -}}
["alpha.istio.io/canonical-serviceaccounts","alpha.istio.io/kubernetes-serviceaccounts","ambient.istio.io/bypass-inbound-capture","ambient.istio.io/dns-capture","ambient.istio.io/redirection","ambient.istio.io/waypoint-inbound-binding","apm.datadoghq.com/env","galley.istio.io/analyze-suppress","gateway.istio.io/controller-version","gateway.istio.io/managed","gateway.istio.io/name-override","gateway.istio.io/service-account","gateway.networking.k8s.io/gateway-class-name","gateway.networking.k8s.io/gateway-name","inject.istio.io/templates","istio-injection","istio.io/autoRegistrationGroup","istio.io/connectedAt","istio.io/dataplane-mode","istio.io/disconnectedAt","istio.io/dry-run","istio.io/ingress-use-waypoint","istio.io/reroute-virtual-interfaces","istio.io/rev","istio.io/tag","istio.io/use-waypoint","istio.io/use-waypoint-canary","istio.io/use-waypoint-canary-namespace","istio.io/use-waypoint-canary-weight","istio.io/use-waypoint-namespace","istio.io/waypoint-for","istio.io/workloadController","k8s.v1.cni.cncf.io/networks","kubectl.kubernetes.io/default-container","kubectl.kubernetes.io/default-logs-container","kubernetes.io/ingress.class","networking.istio.io/enable-autoallocate-ip","networking.istio.io/exportTo","networking.istio.io/gatewayPort","networking.istio.io/service-type","networking.istio.io/traffic-distribution","networking.istio.io/tunnel","openshift.io/sa.scc.supplemental-groups","openshift.io/sa.scc.uid-range","operator.istio.io/component","operator.istio.io/managed","operator.istio.io/version","outrigger.dev/allow-missing-sidecar","outrigger.dev/injection","prometheus.io/path","prometheus.io/port","prometheus.io/scrape","prometheus.istio.io/merge-metrics","prometheus.istio.io/scrape-targets","prometheus.istio.io/secure-port","proxy.istio.io/config","proxy.istio.io/overrides","readiness.status.sidecar.istio.io/applicationPorts","readiness.status.sidecar.istio.io/failureThreshold","readiness.status.sidecar.istio.io/initialDelaySeconds","readiness.status.sidecar.istio.io/periodSeconds","resource.opentelemetry.io/service.instance.id","resource.opentelemetry.io/service.namespace","resource.opentelemetry.io/service.version","security.istio.io/tlsMode","service.istio.io/canonical-name","service.istio.io/canonical-revision","service.istio.io/workload-name","sidecar.istio.io/agentLogLevel","sidecar.istio.io/bootstrapOverride","sidecar.istio.io/capNetBindService","sidecar.istio.io/componentLogLevel","sidecar.istio.io/discoveryAddress","sidecar.istio.io/extraStatTags","sidecar.istio.io/inject","sidecar.istio.io/interceptionMode","sidecar.istio.io/logLevel","sidecar.istio.io/nativeSidecar","sidecar.istio.io/proxyCPU","sidecar.istio.io/proxyCPULimit","sidecar.istio.io/proxyImage","sidecar.istio.io/proxyImageType","sidecar.istio.io/proxyMemory","sidecar.istio.io/proxyMemoryLimit","sidecar.istio.io/rewriteAppHTTPProbers","sidecar.istio.io/statsCompression","sidecar.istio.io/statsEvictionInterval","sidecar.istio.io/statsFlushInterval","sidecar.istio.io/statsHistogramBins","sidecar.istio.io/statsHistogramBuckets","sidecar.istio.io/statsInclusionPrefixes","sidecar.istio.io/statsInclusionRegexps","sidecar.istio.io/statsInclusionSuffixes","sidecar.istio.io/status","sidecar.istio.io/userVolume","sidecar.istio.io/userVolumeMount","status.sidecar.istio.io/port","topology.istio.io/cluster","topology.istio.io/controlPlaneClusters","topology.istio.io/locality","topology.istio.io/network","topology.istio.io/subzone","traffic.istio.io/nodeSelector","traffic.sidecar.istio.io/excludeInboundPorts","traffic.sidecar.istio.io/excludeInterfaces","traffic.sidecar.istio.io/excludeOutboundIPRanges","traffic.sidecar.istio.io/excludeOutboundPorts","traffic.sidecar.istio.io/includeInboundPorts","traffic.sidecar.istio.io/includeOutboundIPRanges","traffic.sidecar.istio.io/includeOutboundPorts","traffic.sidecar.istio.io/kubevirtInterfaces"]
{{- end }}

{{/* Istio's annotations that are read on pods alone. */}}
{{- define "outrigger.keys.pod" -}}
["inject.istio.io/templates","istio.io/reroute-virtual-interfaces","prometheus.istio.io/merge-metrics","prometheus.istio.io/scrape-targets","prometheus.istio.io/secure-port","proxy.istio.io/config","proxy.istio.io/overrides","readiness.status.sidecar.istio.io/failureThreshold","readiness.status.sidecar.istio.io/initialDelaySeconds","readiness.status.sidecar.istio.io/periodSeconds","sidecar.istio.io/agentLogLevel","sidecar.istio.io/bootstrapOverride","sidecar.istio.io/capNetBindService","sidecar.istio.io/componentLogLevel","sidecar.istio.io/interceptionMode","sidecar.istio.io/logLevel","sidecar.istio.io/nativeSidecar","sidecar.istio.io/proxyCPU","sidecar.istio.io/proxyCPULimit","sidecar.istio.io/proxyImage","sidecar.istio.io/proxyImageType","sidecar.istio.io/proxyMemory","sidecar.istio.io/proxyMemoryLimit","sidecar.istio.io/rewriteAppHTTPProbers","sidecar.istio.io/userVolume","sidecar.istio.io/userVolumeMount","status.sidecar.istio.io/port","traffic.sidecar.istio.io/excludeInboundPorts","traffic.sidecar.istio.io/excludeInterfaces","traffic.sidecar.istio.io/excludeOutboundIPRanges","traffic.sidecar.istio.io/excludeOutboundPorts","traffic.sidecar.istio.io/includeInboundPorts","traffic.sidecar.istio.io/includeOutboundIPRanges","traffic.sidecar.istio.io/includeOutboundPorts","traffic.sidecar.istio.io/kubevirtInterfaces"]
{{- end }}

{{- define "outrigger.allowMissing" -}}
outrigger.dev/allow-missing-sidecar
{{- end }}
