{{/*
Completes .Values by the profile, and that by the profile default: what nobody has
set is empty there. A template that reads values begins with it. Done twice it
changes nothing.
*/}}
{{- define "outrigger.profile" -}}
{{- $known := list }}
{{- range $path, $_ := .Files.Glob "profiles/*.yaml" }}{{ $known = append $known (base $path | trimSuffix ".yaml") }}{{ end }}
{{- if not (has .Values.profile $known) }}
{{- fail (printf "profile %q: unknown, want one of %s" .Values.profile (sortAlpha $known | join ", ")) }}
{{- end }}
{{- range list .Values.profile "default" }}
{{- include "outrigger.fill" (dict "into" $.Values "from" ($.Files.Get (printf "profiles/%s.yaml" .) | fromYaml)) }}
{{- end }}
{{- if and (eq .Values.profile "remote") (not .Values.webhook.url) }}
{{- fail "webhook.url: empty, want where the server of the profile remote answers, such as https://10.0.0.5:9443" }}
{{- end }}
{{- end }}

{{/* Sets in the map into what the map from has and it has not. false, 0 and "" are set. */}}
{{- define "outrigger.fill" -}}
{{- range $key, $value := .from }}
{{- $set := index $.into $key }}
{{- if kindIs "invalid" $set }}
{{- $_ := set $.into $key $value }}
{{- else if kindIs "map" $value }}
{{- include "outrigger.fill" (dict "into" $set "from" $value) }}
{{- end }}
{{- end }}
{{- end }}
