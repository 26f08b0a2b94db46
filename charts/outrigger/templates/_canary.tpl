{{/*
The entry for canaries: pods that nobody keeps, in our own namespace, which ask whether the
API server reaches the server. Nobody else's pods have the label, and none waits for it.
*/}}
{{- define "outrigger.canaryEntry" }}
- name: canary.injector.outrigger.dev
  admissionReviewVersions:
  - v1
  {{- include "outrigger.called" (dict "root" . "path" "/canary") }}
  namespaceSelector:
    matchExpressions:
    - key: kubernetes.io/metadata.name
    {{- if .Values.canary.enabled }}
      operator: In
      values:
      - {{ .Release.Namespace }}
    {{- else }}
      operator: DoesNotExist
    {{- end }}
  objectSelector:
    matchExpressions:
    - key: outrigger.dev/canary
      operator: In
      values:
      - {{ include "outrigger.revision" . | quote }}
    - key: app.kubernetes.io/name
      operator: NotIn
      values:
      - outrigger-injector
  matchPolicy: Equivalent
  failurePolicy: Fail
  reinvocationPolicy: Never
  sideEffects: None
  timeoutSeconds: {{ .Values.webhook.timeoutSeconds }}
{{- end }}
