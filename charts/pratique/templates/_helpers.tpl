{{/* Labels of every object. */}}
{{- define "pratique.labels" -}}
app.kubernetes.io/part-of: pratique
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Labels by which Pods are found; those of a Deployment can never change. Takes the component. */}}
{{- define "pratique.selector" -}}
app.kubernetes.io/name: pratique
app.kubernetes.io/component: {{ . }}
{{- end }}

{{/* Whether the API server serves a kind of admissionregistration.k8s.io/v1. It is asked, since a version says little: an API
     server may emulate an older one. Rendered without a cluster nobody knows its kinds, and the version has to do. Takes root,
     kind and since. */}}
{{- define "pratique.serves" -}}
{{- $capabilities := .root.Capabilities -}}
{{- if $capabilities.APIVersions.Has "v1/Pod" -}}
{{- if $capabilities.APIVersions.Has (printf "admissionregistration.k8s.io/v1/%s" .kind) -}}yes{{- end -}}
{{- else if semverCompare (printf ">=%s-0" .since) $capabilities.KubeVersion.Version -}}yes{{- end -}}
{{- end }}

{{- define "pratique.servesMutating" -}}
{{- include "pratique.serves" (dict "root" . "kind" "MutatingAdmissionPolicy" "since" "1.36.0") -}}
{{- end }}

{{/* Policies or Webhook: who stamps. */}}
{{- define "pratique.stamps" -}}
{{- if ne .Values.stamps.by "Auto" -}}
{{ .Values.stamps.by }}
{{- else if include "pratique.servesMutating" . -}}
Policies
{{- else -}}
Webhook
{{- end -}}
{{- end }}

{{- define "pratique.image" -}}
{{- $image := .Values.image -}}
{{- if $image.digest -}}
{{ $image.repository }}@{{ $image.digest }}
{{- else -}}
{{ $image.repository }}:{{ $image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end }}

{{/* What the policies were installed with, for the operator: one line of JSON. */}}
{{- define "pratique.guardValues" -}}
{{- $environments := .Values.environments -}}
{"serviceAccount":{{ .Values.serviceAccount.name | toJson }},"submitters":{{ .Values.submitters | toJson }},"environmentRoles":{{ $environments.roles | toJson }},"environmentPodSecurity":{{ $environments.podSecurity | toJson }},"environmentLabels":{{ $environments.labels | toJson }},"environmentPrefix":{{ $environments.namespacePrefix | toJson }}}
{{- end }}

{{/* What the Pods of both Deployments have in common, above their containers. Takes root, component and account. */}}
{{- define "pratique.pod" -}}
{{- $values := .root.Values -}}
serviceAccountName: {{ .account }}
enableServiceLinks: false
{{- with $values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with $values.podSecurityContext }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- if $values.topologySpreadConstraints }}
topologySpreadConstraints:
  {{- range $values.topologySpreadConstraints }}
  - {{- toYaml . | nindent 4 }}
    {{- if not .labelSelector }}
    labelSelector:
      matchLabels:
        {{- include "pratique.selector" $.component | nindent 8 }}
        {{- with $.shard }}
        pratique.dev/shard: {{ . | quote }}
        {{- end }}
    {{- end }}
  {{- end }}
{{- end }}
{{- end }}

{{- define "pratique.podMetadata" -}}
labels:
  app.kubernetes.io/part-of: pratique
  app.kubernetes.io/instance: {{ .root.Release.Name }}
  {{- include "pratique.selector" .component | nindent 2 }}
  {{- with .shard }}
  pratique.dev/shard: {{ . | quote }}
  {{- end }}
  {{- with merge (dict) .root.Values.podLabels .root.Values.commonLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with .root.Values.podAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* What both containers have in common: probes and the security context. Takes the root. */}}
{{- define "pratique.container" -}}
image: {{ include "pratique.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
startupProbe:
  httpGet: {path: /healthz, port: health}
  {{- with .Values.startupProbe }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
livenessProbe:
  httpGet: {path: /healthz, port: health}
  {{- with .Values.livenessProbe }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
readinessProbe:
  httpGet: {path: /readyz, port: health}
  {{- with .Values.readinessProbe }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with .Values.securityContext }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "pratique.metricsPort" -}}
{{ if eq .Values.metrics.access "Authorized" }}metrics{{ else }}health{{ end }}
{{- end }}

{{/* Arguments, port, mount and volume of /metrics, in both Deployments. */}}
{{- define "pratique.metricsArgs" -}}
{{- if eq .Values.metrics.access "Authorized" -}}
- --metrics-port=9443
{{- if .Values.metrics.certificateSecret }}
- --metrics-cert=/etc/pratique/metrics
{{- end }}
{{- end }}
{{- end }}

{{- define "pratique.ports" -}}
- name: health
  containerPort: 8080
{{- if eq .Values.metrics.access "Authorized" }}
- name: metrics
  containerPort: 9443
{{- end }}
{{- end }}

{{- define "pratique.servesCertificate" -}}
{{- if and (eq .Values.metrics.access "Authorized") .Values.metrics.certificateSecret -}}yes{{- end -}}
{{- end }}

{{- define "pratique.mounts" -}}
- name: tmp
  mountPath: /tmp
{{- if include "pratique.servesCertificate" . }}
- name: metrics-certificate
  mountPath: /etc/pratique/metrics
  readOnly: true
{{- end }}
{{- end }}

{{- define "pratique.volumes" -}}
- name: tmp
  emptyDir: {}
{{- if include "pratique.servesCertificate" . }}
- name: metrics-certificate
  secret:
    secretName: {{ .Values.metrics.certificateSecret }}
{{- end }}
{{- end }}

{{/* What helm test needs before its Pod, and takes away again. */}}
{{- define "pratique.testHook" -}}
helm.sh/hook: test
helm.sh/hook-weight: "-1"
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
{{- end }}
