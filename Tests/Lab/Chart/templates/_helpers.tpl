{{- define "rocketchat.fullname" -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "rocketchat.tag" -}}
{{- .Values.image.tag | default .Chart.AppVersion -}}
{{- end -}}

{{- define "rocketchat.labels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{/* Secret that holds the key mongo-uri. */}}
{{- define "rocketchat.mongoSecret" -}}
{{- .Values.existingMongodbSecret | default (include "rocketchat.fullname" .) -}}
{{- end -}}

{{/* What every service of the application is told. */}}
{{- define "rocketchat.environment" -}}
- name: MONGO_URL
  valueFrom:
    secretKeyRef: {name: {{ include "rocketchat.mongoSecret" . }}, key: mongo-uri}
{{- if .Values.microservices.enabled }}
- name: TRANSPORTER
  value: nats://{{ .Release.Name }}-nats:4222
{{- end }}
{{- if .Values.streamHub.enabled }}
- name: DB_WATCHERS
  value: "true"
{{- end }}
{{- end -}}

{{/* Version of the API that has PodDisruptionBudgets. */}}
{{- define "rocketchat.policy" -}}
{{- ternary "policy/v1" "policy/v1beta1" (semverCompare ">=1.25.0" .Capabilities.KubeVersion.Version) -}}
{{- end -}}
