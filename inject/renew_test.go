package inject_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"outrigger.dev/outrigger/inject"
)

// A version is a configuration that pods may be injected by.
type version struct{ config, values, revision string }

// olderVersion is by which the pods of TestRenew were injected.
var olderVersion = version{
	config: `policy: enabled
defaultTemplates: [logs, proxy]
templates:
  logs: |
    spec:
      initContainers:
      - name: logs
        image: logs:1
        restartPolicy: Always
        args: [--folder, /logs]
        env: [{name: APP, value: "{{ .ObjectMeta.Name }}"}, {name: OWNER, value: "{{ .DeploymentMeta.Name }}"}, {name: NODE, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}]
        resources: {limits: {cpu: 1000m, memory: 1Gi}}
        startupProbe: {exec: {command: [ok]}, failureThreshold: 9}
        volumeMounts: [{name: logs, mountPath: /logs}]
      volumes: [{name: logs, emptyDir: {}}]
  proxy: |
    metadata: {annotations: {istio.io/rev: {{ .Revision | quote }}}}
    spec:
      initContainers: [{name: istio-proxy, image: proxy:1, restartPolicy: Always}]
`,
	values:   "sidecarInjectorWebhook: {rewriteAppHTTPProbe: true}",
	revision: "default",
}

// known are the injectors of versions: making one proves all its templates.
var known = map[version]*inject.Injector{}

func (v version) injector(t *testing.T) *inject.Injector {
	t.Helper()
	if in := known[v]; in != nil {
		return in
	}
	in, err := inject.New(inject.Sources{Config: []byte(v.config), Values: laidOver(t, minimalValues, v.values)}, inject.Settings{Revision: v.revision})
	if err != nil {
		t.Fatal(err)
	}
	known[v] = in
	return in
}

// with is the version with a text of its configuration replaced.
func (v version) with(old, replacement string) version {
	v.config = strings.Replace(v.config, old, replacement, 1)
	return v
}

func TestRenew(t *testing.T) {
	same := func(*corev1.Pod) {}
	for name, c := range map[string]struct {
		by     version
		create func(*corev1.Pod) // what its author wrote
		live   func(*corev1.Pod) // what came to it afterwards
		want   []string
	}{
		"nothing has changed":                    {olderVersion, same, same, nil},
		"the configuration's hash is another":    {olderVersion.with("policy: enabled", "policy:  enabled"), same, same, nil},
		"the image is another":                   {olderVersion.with("logs:1", "logs:2"), same, same, []string{`spec.initContainers[logs].image: "logs:1" -> "logs:2"`}},
		"a variable came":                        {olderVersion.with("env: [", "env: [{name: LEVEL, value: debug}, "), same, same, []string{`spec.initContainers[logs].env[LEVEL]: new: {"name":"LEVEL","value":"debug"}`}},
		"a variable went":                        {olderVersion.with(`, {name: NODE, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}`, ""), same, same, []string{`spec.initContainers[logs].env[NODE]: gone: {"name":"NODE","valueFrom":{"fieldRef":{"apiVersion":"v1","fieldPath":"spec.nodeName"}}}`}},
		"an argument is another":                 {olderVersion.with("/logs]", "/var/log]"), same, same, []string{`spec.initContainers[logs].args[1]: "/logs" -> "/var/log"`}},
		"an argument came":                       {olderVersion.with("[--folder", "[--all, --folder"), same, same, []string{`spec.initContainers[logs].args: ["--folder","/logs"] -> ["--all","--folder","/logs"]`}},
		"a limit is another":                     {olderVersion.with("1000m", `"2"`), same, same, []string{`spec.initContainers[logs].resources.limits[cpu]: "1" -> "2"`, `spec.initContainers[logs].resources.requests[cpu]: "1" -> "2"`}},
		"an amount is written another way":       {olderVersion.with("1000m", "1"), same, same, nil},
		"a default is written out":               {olderVersion.with("failureThreshold: 9", "failureThreshold: 9, periodSeconds: 10, initialDelaySeconds: 0"), same, same, nil},
		"a probe is another":                     {olderVersion.with("Threshold: 9", "Threshold: 8"), same, same, []string{"spec.initContainers[logs].startupProbe.failureThreshold: 9 -> 8"}},
		"probes are not rewritten any more":      {version{olderVersion.config, "sidecarInjectorWebhook: {rewriteAppHTTPProbe: false}", "default"}, same, same, []string{`spec.containers[app].readinessProbe.httpGet.path: "/app-health/app/readyz" -> "/ready"`, "spec.containers[app].readinessProbe.httpGet.port: 15020 -> 8080", `spec.initContainers[istio-proxy].env: gone: [{"name":"ISTIO_KUBE_APP_PROBERS","value":"{\"/app-health/app/readyz\":{\"httpGet\":{\"path\":\"/ready\",\"port\":8080,\"scheme\":\"HTTP\"},\"timeoutSeconds\":1}}"}]`}},
		"a template is not laid any more":        {olderVersion.with("[logs, proxy]", "[proxy]"), same, same, []string{"spec.initContainers[logs]: gone", "spec.volumes[logs]: gone"}},
		"a template is not there any more":       {version{"policy: enabled\ndefaultTemplates: [proxy]\ntemplates: {proxy: '{metadata: {annotations: {istio.io/rev: default}}, spec: {initContainers: [{name: istio-proxy, image: \"proxy:1\", restartPolicy: Always}]}}'}\n", olderVersion.values, "default"}, same, same, []string{"spec.initContainers[logs]: gone", "spec.volumes[logs]: gone"}},
		"templates are laid in another order":    {olderVersion.with("[logs, proxy]", "[proxy, logs]"), same, same, nil},
		"another revision is asked":              {version{olderVersion.config, olderVersion.values, "canary"}, same, same, []string{`metadata.annotations[istio.io/rev]: "default" -> "canary"`}},
		"the pod's name was made up":             {olderVersion, func(p *corev1.Pod) { p.Name, p.GenerateName = "", "web-" }, func(p *corev1.Pod) { p.Name = "web-x2x4k" }, nil},
		"the pod is one of a StatefulSet's":      {olderVersion, func(p *corev1.Pod) { p.Name, p.GenerateName = "web-0", "web-" }, same, nil},
		"a node took it":                         {olderVersion, same, taken, nil},
		"another webhook added a container":      {olderVersion, same, func(p *corev1.Pod) { p.Spec.Containers = append(p.Spec.Containers, corev1.Container{Name: "theirs"}) }, nil},
		"another webhook added to our container": {olderVersion, same, func(p *corev1.Pod) { ours(p).Env = append(ours(p).Env, corev1.EnvVar{Name: "THEIRS"}) }, nil},
		"a LimitRange limited our container": {olderVersion, same, func(p *corev1.Pod) {
			ours(p).Resources.Limits[corev1.ResourceEphemeralStorage] = resource.MustParse("1Gi")
		}, nil},
		"somebody changed our container":    {olderVersion, same, func(p *corev1.Pod) { ours(p).Image = "logs:mine" }, []string{`spec.initContainers[logs].image: "logs:mine" -> "logs:1"`}},
		"its author's own image is another": {olderVersion, same, func(p *corev1.Pod) { p.Spec.Containers[0].Image = "app:2" }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			pod := webPod()
			c.create(pod)
			live := stored(t, olderVersion.injector(t), pod)
			c.live(live)
			renewal, err := c.by.injector(t).Renew(requestFor(t, live))
			if err != nil || renewal.Decision.Verdict != inject.Inject {
				t.Fatalf("%s, %v", renewal.Decision.Sentence, err)
			}
			var got []string
			for _, d := range renewal.Differences {
				line := d.String()
				if element, _, whole := strings.Cut(line, ": gone: "); whole && strings.HasSuffix(element, "[logs]") {
					line = element + ": gone"
				}
				got = append(got, line)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("differences (-want +got):\n%s", diff)
			}
		})
	}
}

// What is not injected any more has nothing to be compared with, and what cannot be
// taken back is an error.
func TestRenewDecides(t *testing.T) {
	for name, c := range map[string]struct {
		live          func(*corev1.Pod)
		verdict       inject.Verdict
		reason, fault string
	}{
		"one that would be injected":            {live: func(*corev1.Pod) {}, verdict: inject.Inject, reason: "policy"},
		"one that declines by now":              {live: func(p *corev1.Pod) { p.Labels[inject.InjectKey] = "false" }, verdict: inject.Skip, reason: "pod-label"},
		"one that asks for what is not there":   {live: func(p *corev1.Pod) { p.Annotations[inject.TemplatesAnnotation] = "none" }, verdict: inject.Deny, reason: "unknown-template"},
		"one whose record nobody can read":      {live: func(p *corev1.Pod) { p.Annotations[inject.RecordAnnotation] = "{" }, fault: "annotation outrigger.dev/injection: unexpected EOF"},
		"one whose record is a later version's": {live: func(p *corev1.Pod) { p.Annotations[inject.RecordAnnotation] = `{"version":2}` }, fault: "annotation outrigger.dev/injection: version 2, wanted 1"},
		"one whose record leaves no pod": {live: func(p *corev1.Pod) {
			p.Annotations[inject.RecordAnnotation] = `{"version":1,"undo":{"spec":["none"]}}`
		}, fault: "annotation outrigger.dev/injection: what it takes back leaves no pod: "},
	} {
		t.Run(name, func(t *testing.T) {
			in := olderVersion.injector(t)
			live := stored(t, in, webPod())
			c.live(live)
			renewal, err := in.Renew(requestFor(t, live))
			if c.fault != "" {
				if err == nil || !strings.HasPrefix(err.Error(), c.fault) {
					t.Errorf("%v, want %s", err, c.fault)
				}
				return
			}
			if err != nil || renewal.Decision.Verdict != c.verdict || string(renewal.Decision.Reason) != c.reason || len(renewal.Differences) > 0 {
				t.Errorf("%s because of %s, %v, %v; want %s because of %s", renewal.Decision.Verdict, renewal.Decision.Reason, renewal.Differences, err, c.verdict, c.reason)
			}
		})
	}
}

// webPod is a pod as the webhook is asked about it: the API server has filled in its
// defaults, and the ServiceAccount plugin the token.
func webPod() *corev1.Pod {
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: "shop", Labels: map[string]string{"app": "web"}, Annotations: map[string]string{}},
		Spec: corev1.PodSpec{
			Containers: []corev1.Container{{
				Name: "app", Image: "app:1",
				ReadinessProbe: &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: "/ready", Port: intstr.FromInt32(8080)}}},
			}},
			Volumes: []corev1.Volume{{Name: "kube-api-access-x2x4k", VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{}}}},
		},
	}
	fillIn(pod)
	return pod
}

// stored is a pod that was injected, as the API server stores it.
func stored(t *testing.T, in *inject.Injector, pod *corev1.Pod) *corev1.Pod {
	t.Helper()
	result, err := in.Inject(requestFor(t, pod))
	if err != nil || result.Decision.Verdict != inject.Inject {
		t.Fatalf("%s, %v", result.Decision.Sentence, err)
	}
	live := new(corev1.Pod)
	if err := json.Unmarshal(result.Pod(), live); err != nil {
		t.Fatal(err)
	}
	fillIn(live)
	return live
}

func requestFor(t *testing.T, pod *corev1.Pod) inject.Request {
	t.Helper()
	raw, err := json.Marshal(pod)
	if err != nil {
		t.Fatal(err)
	}
	return inject.Request{Pod: raw, Namespace: inject.Namespace{Name: "shop"}, Native: inject.Native{Supported: true}.Everywhere}
}

// fillIn does what the API server does to containers and volumes: it fills in defaults,
// makes requests of limits, and mounts the token.
func fillIn(pod *corev1.Pod) {
	pod.Spec.RestartPolicy, pod.Spec.DNSPolicy = corev1.RestartPolicyAlways, corev1.DNSClusterFirst
	for _, list := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range list {
			fillInContainer(&list[i])
		}
	}
}

func fillInContainer(c *corev1.Container) {
	c.ImagePullPolicy, c.TerminationMessagePath, c.TerminationMessagePolicy = corev1.PullIfNotPresent, "/dev/termination-log", corev1.TerminationMessageReadFile
	for _, p := range []*corev1.Probe{c.ReadinessProbe, c.StartupProbe} {
		if p == nil {
			continue
		}
		p.TimeoutSeconds, p.PeriodSeconds, p.SuccessThreshold = 1, 10, 1
		if p.FailureThreshold == 0 {
			p.FailureThreshold = 3
		}
		if p.HTTPGet != nil {
			p.HTTPGet.Scheme = corev1.URISchemeHTTP
		}
	}
	for i := range c.Env {
		if from := c.Env[i].ValueFrom; from != nil {
			from.FieldRef.APIVersion = "v1"
		}
	}
	for name, amount := range c.Resources.Limits {
		if c.Resources.Requests == nil {
			c.Resources.Requests = corev1.ResourceList{}
		}
		c.Resources.Requests[name] = amount
	}
	const token = "/var/run/secrets/kubernetes.io/serviceaccount"
	for _, m := range c.VolumeMounts {
		if m.MountPath == token {
			return
		}
	}
	c.VolumeMounts = append(c.VolumeMounts, corev1.VolumeMount{Name: "kube-api-access-x2x4k", MountPath: token, ReadOnly: true})
}

// taken is what a pod has when it runs.
func taken(pod *corev1.Pod) {
	pod.UID, pod.ResourceVersion, pod.CreationTimestamp = "u", "1", metav1.Now()
	pod.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "kubelet"}}
	pod.Spec.NodeName = "node"
	pod.Spec.Tolerations = []corev1.Toleration{{Key: "node.kubernetes.io/not-ready", Operator: corev1.TolerationOpExists}}
	pod.Status.Phase = corev1.PodRunning
}

// ours is the container that the template logs adds.
func ours(pod *corev1.Pod) *corev1.Container {
	for i := range pod.Spec.InitContainers {
		if pod.Spec.InitContainers[i].Name == "logs" {
			return &pod.Spec.InitContainers[i]
		}
	}
	panic(fmt.Sprintf("no container logs in %v", pod.Spec.InitContainers))
}
