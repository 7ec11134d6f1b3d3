{{- define "credsync.pod" -}}
{{- $daemon := eq .Values.mode "daemon" -}}
restartPolicy: {{ ternary "Always" "Never" $daemon }}
terminationGracePeriodSeconds: {{ .Values.terminationGracePeriodSeconds }}
serviceAccountName: {{ include "credsync.serviceAccount" . }}
automountServiceAccountToken: {{ .Values.serviceAccount.automountToken }}
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  seccompProfile:
    type: RuntimeDefault
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
containers:
  - name: credsync
    image: {{ include "credsync.image" . | quote }}
    imagePullPolicy: {{ .Values.image.pullPolicy }}
    args:
      {{- if $daemon }}
      - run
      - --listen=:{{ .Values.daemon.port }}
      - --check-every={{ .Values.daemon.checkEvery }}
      {{- else }}
      - apply
      - --auto-approve
      {{- end }}
      - --no-color
      - --grace-period={{ max 1 (sub (int .Values.terminationGracePeriodSeconds) 5) }}s
      {{- if gt (int .Values.sharding.shards) 1 }}
      - --shard={{ .Values.sharding.shards }}
      {{- end }}
      {{- range .Values.extraArgs }}
      - {{ . | quote }}
      {{- end }}
      - /etc/credsync
    {{- if $daemon }}
    ports:
      - name: metrics
        containerPort: {{ .Values.daemon.port }}
    livenessProbe:
      httpGet:
        path: /healthz
        port: metrics
      periodSeconds: 20
      timeoutSeconds: 5
      failureThreshold: 3
    readinessProbe:
      httpGet:
        path: /readyz
        port: metrics
      periodSeconds: 10
      timeoutSeconds: 5
    {{- end }}
    env:
      {{- include "credsync.env" . | nindent 6 }}
    securityContext:
      allowPrivilegeEscalation: false
      readOnlyRootFilesystem: true
      capabilities:
        drop: [ALL]
    resources:
      {{- toYaml .Values.resources | nindent 6 }}
    volumeMounts:
      - name: config
        mountPath: /etc/credsync
        readOnly: true
      - name: emergency
        mountPath: {{ .Values.emergency.path }}
      {{- if .Values.vaultToken.enabled }}
      - name: vault-token
        mountPath: {{ .Values.vaultToken.path }}
        readOnly: true
      {{- end }}
volumes:
  {{- include "credsync.volumes" . | nindent 2 }}
{{- end -}}

{{- define "credsync.env" -}}
- name: CREDSYNC_EMERGENCY_DIR
  value: {{ .Values.emergency.path | quote }}
{{- with .Values.allowedHosts }}
- name: CREDSYNC_ALLOWED_HOSTS
  value: {{ join "," . | quote }}
{{- end }}
{{- range $name, $value := .Values.variables }}
- name: CREDSYNC_VAR_{{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- range $name, $from := .Values.secretVariables }}
- name: CREDSYNC_VAR_{{ $name }}
  valueFrom:
    secretKeyRef:
      name: {{ $from.secret }}
      key: {{ $from.key }}
{{- end }}
{{- with .Values.env }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "credsync.volumes" -}}
- name: config
  configMap:
    name: {{ include "credsync.configMap" . }}
- name: emergency
  {{- if .Values.emergency.persistence.enabled }}
  persistentVolumeClaim:
    claimName: {{ include "credsync.emergencyClaim" . }}
  {{- else }}
  emptyDir:
    sizeLimit: {{ .Values.emergency.sizeLimit }}
  {{- end }}
{{- if .Values.vaultToken.enabled }}
- name: vault-token
  projected:
    sources:
      - serviceAccountToken:
          audience: {{ .Values.vaultToken.audience | quote }}
          expirationSeconds: {{ .Values.vaultToken.expirationSeconds }}
          path: token
{{- end }}
{{- end -}}
