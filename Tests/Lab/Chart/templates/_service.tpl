{{/* One microservice: its Deployment and its Service, named as the real chart names them. */}}
{{- define "rocketchat.microservice" -}}
{{- $root := .root -}}
{{- $name := printf "%s-%s" $root.Release.Name .name -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ $name }}
  labels:
    {{- include "rocketchat.labels" $root | nindent 4 }}
spec:
  replicas: {{ .replicas }}
  selector:
    matchLabels:
      app.kubernetes.io/name: {{ $name }}
      app.kubernetes.io/instance: {{ $root.Release.Name }}
  strategy:
    type: RollingUpdate
    rollingUpdate: {maxSurge: 1, maxUnavailable: 1}
  template:
    metadata:
      labels:
        app.kubernetes.io/name: {{ $name }}
        app.kubernetes.io/instance: {{ $root.Release.Name }}
    spec:
      containers:
      - name: {{ .name }}
        image: "{{ .image.repository }}:{{ include "rocketchat.tag" $root }}"
        imagePullPolicy: {{ .image.pullPolicy }}
        env:
        {{- include "rocketchat.environment" $root | nindent 8 }}
        {{- if .port }}
        - name: PORT
          value: "{{ .port }}"
        ports:
        - {name: http, containerPort: {{ .port }}}
        readinessProbe:
          httpGet: {path: /health, port: http}
          initialDelaySeconds: 2
          periodSeconds: 5
        {{- end }}
---
apiVersion: v1
kind: Service
metadata:
  name: {{ $name }}
spec:
  type: ClusterIP
  ports:
  {{- if .port }}
  - {name: http, port: {{ .port }}, targetPort: {{ .port }}, protocol: TCP}
  {{- end }}
  - {name: metrics, port: 9458, targetPort: 9458, protocol: TCP}
  selector:
    app.kubernetes.io/name: {{ $name }}
    app.kubernetes.io/instance: {{ $root.Release.Name }}
{{- end -}}
