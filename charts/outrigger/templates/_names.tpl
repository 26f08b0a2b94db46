{{/* The revision that selectors ask for: "default" for the first installation. */}}
{{- define "outrigger.revision" -}}
{{ .Values.revision | default "default" }}
{{- end }}

{{/* What the names of a revision's objects end in: nothing, or "-<revision>". */}}
{{- define "outrigger.suffix" -}}
{{ with include "outrigger.revision" . }}{{ if ne . "default" }}-{{ . }}{{ end }}{{ end }}
{{- end }}

{{- define "outrigger.injector" -}}
outrigger-injector{{ include "outrigger.suffix" . }}
{{- end }}

{{- define "outrigger.serviceAccount" -}}
{{ .Values.serviceAccount.name | default (include "outrigger.injector" .) }}
{{- end }}

{{- define "outrigger.configMap" -}}
outrigger{{ include "outrigger.suffix" . }}
{{- end }}

{{- define "outrigger.lastGood" -}}
outrigger-last-good{{ include "outrigger.suffix" . }}
{{- end }}

{{- define "outrigger.authority" -}}
outrigger-injector-authority{{ include "outrigger.suffix" . }}
{{- end }}

{{- define "outrigger.detector" -}}
outrigger-detector{{ include "outrigger.suffix" . }}
{{- end }}

{{/* The Secret that the server reads its certificate from, where it has no authority of its own. */}}
{{- define "outrigger.certificate" -}}
{{ if eq .Values.certificates.mode "certManager" }}outrigger-serving{{ include "outrigger.suffix" . }}
{{- else }}{{ required "certificates.existingSecret.name: empty, want the name of a Secret of type kubernetes.io/tls" .Values.certificates.existingSecret.name }}{{ end }}
{{- end }}

{{/* "true" where the server runs in this cluster, or else nothing. */}}
{{- define "outrigger.served" -}}
{{ if and .Values.server.create (not .Values.webhook.url) }}true{{ end }}
{{- end }}

{{- define "outrigger.image" -}}
{{ with .Values.image }}{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}{{ end }}
{{- end }}

{{/* OpenShift gives every namespace users of its own, and refuses others. */}}
{{- define "outrigger.podSecurityContext" -}}
{{- $user := eq .Values.platform "openshift" | ternary dict (dict "runAsUser" 65532 "runAsGroup" 65532) -}}
{{ merge (deepCopy .Values.podSecurityContext) $user | toYaml }}
{{- end }}

{{/* How many replicas there are at least. */}}
{{- define "outrigger.replicas" -}}
{{ .Values.autoscaling.enabled | ternary .Values.autoscaling.minReplicas .Values.replicaCount }}
{{- end }}

{{/* What a tag's webhook configuration is called. */}}
{{- define "outrigger.tag" -}}
outrigger-tag-{{ . }}
{{- end }}

{{/* The names of the webhook configurations, by comma: the revision's and those of its tags. */}}
{{- define "outrigger.webhookConfigurations" -}}
{{ include "outrigger.injector" . }}{{ range .Values.revisionTags }},{{ include "outrigger.tag" . }}{{ end }}
{{- end }}

{{/* Where an istiod has its configuration. */}}
{{- define "outrigger.istioNamespace" -}}
{{ splitList "/" .Values.istio.config | first }}
{{- end }}

{{/* What the names of an istiod's ConfigMaps end in: nothing, or "-<revision>". */}}
{{- define "outrigger.istioSuffix" -}}
{{ with splitList "/" .Values.istio.config | rest | first }}{{ if ne . "default" }}-{{ . }}{{ end }}{{ end }}
{{- end }}

{{/* "true" where ProxyConfig resources are watched, or else nothing. */}}
{{- define "outrigger.proxyConfigs" -}}
{{ if eq (toString .Values.istio.proxyConfigs) "auto" }}{{ if .Values.istio.config }}true{{ end }}{{ else if .Values.istio.proxyConfigs }}true{{ end }}
{{- end }}

{{/* What the Deployment and the Service find their pods by. Never changes. */}}
{{- define "outrigger.selector" -}}
app.kubernetes.io/name: outrigger-injector
outrigger.dev/revision: {{ include "outrigger.revision" . }}
{{- end }}

{{/*
Labels of every object. istio.io/rev is not among them: an istiod of that revision
would take the webhook configuration for its own and write its CA bundle into it.
*/}}
{{- define "outrigger.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{ include "outrigger.selector" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: outrigger
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{/* What the policy about pods without a sidecar is called. */}}
{{- define "outrigger.missing" -}}
outrigger-missing-sidecar{{ include "outrigger.suffix" . }}
{{- end }}

{{/* The namespaces that are left alone whatever anybody wants: the system's, and our own. */}}
{{- define "outrigger.neverNamespaces" -}}
{{ list "kube-node-lease" "kube-public" "kube-system" .Release.Namespace | uniq | sortAlpha | toYaml }}
{{- end }}
