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

{{- define "outrigger.allowMissing" -}}
outrigger.dev/allow-missing-sidecar
{{- end }}
