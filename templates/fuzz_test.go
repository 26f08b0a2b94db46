package templates_test

import (
	"testing"
	"unicode/utf8"

	corev1 "k8s.io/api/core/v1"
	"outrigger.dev/outrigger/templates"
	"sigs.k8s.io/yaml"
)

// FuzzExecute shows that no template makes an execution panic, hang or write more
// than it may, whatever the pod says, and that it gives the same result twice.
func FuzzExecute(f *testing.F) {
	for _, text := range hostile {
		f.Add(text, "a", "b")
	}
	for _, text := range templates.Builtin() {
		f.Add(text, "sidecar.istio.io/interceptionMode", "TPROXY")
		f.Add(text, "proxy", "\"\n- x")
	}
	f.Fuzz(func(t *testing.T, text, annotation, value string) {
		set, err := templates.Parse(map[string]string{"t": text}, templates.Options{})
		if err != nil {
			return
		}
		data := newData(t)
		data.ObjectMeta.Annotations = map[string]string{annotation: value}
		data.ObjectMeta.Labels = map[string]string{annotation: value}
		data.Spec.Containers = []corev1.Container{{Name: value, Ports: []corev1.ContainerPort{{Name: annotation}}}}
		first, err := set.Execute("t", data)
		if len(first) > 1<<20 {
			t.Fatalf("%d bytes of output", len(first))
		}
		second, again := set.Execute("t", data)
		if string(first) != string(second) || (err == nil) != (again == nil) {
			t.Fatalf("first %q and %v, then %q and %v", first, err, second, again)
		}
	})
}

// FuzzQuoting shows that what a pod's author writes does not change the shape of
// what the built-in templates yield: it is always a pod.
func FuzzQuoting(f *testing.F) {
	for _, value := range []string{"", "plain", "a \"quoted\"\n- one: # two", "{{ .Values }}", "'", "\\", "\t|\u2028\x00\u0085", "- a", "{a: b}", "*", "&a", "!!str", "%", "@", "`"} {
		f.Add(value)
	}
	set := builtin(f)
	keys := []string{
		"sidecar.istio.io/logLevel", "sidecar.istio.io/componentLogLevel", "sidecar.istio.io/agentLogLevel", "sidecar.istio.io/bootstrapOverride",
		"sidecar.istio.io/proxyImage", "sidecar.istio.io/interceptionMode", "sidecar.istio.io/userVolume", "sidecar.istio.io/userVolumeMount",
		"traffic.sidecar.istio.io/includeOutboundPorts", "traffic.sidecar.istio.io/excludeInterfaces", "istio.io/reroute-virtual-interfaces",
		"status.sidecar.istio.io/port", "readiness.status.sidecar.istio.io/periodSeconds", "k8s.v1.cni.cncf.io/networks",
		"resource.opentelemetry.io/service.version", "apm.datadoghq.com/env", "sidecar.istio.io/nativeSidecar",
	}
	f.Fuzz(func(t *testing.T, value string) {
		if !utf8.ValidString(value) {
			t.Skip("JSON carries no such text")
		}
		data := newData(t)
		over(data.Values, tree(t, `{global: {proxy: {tracer: datadog}}, pilot: {cni: {enabled: true, provider: multus}}}`))
		data.ObjectMeta.Annotations = map[string]string{}
		for _, key := range keys {
			data.ObjectMeta.Annotations[key] = value
		}
		data.ObjectMeta.Labels = map[string]string{"app": value, "version": value, "security.istio.io/tlsMode": value}
		data.ProxyConfig.ProxyMetadata = map[string]string{value: value}
		data.Spec.ServiceAccountName = value
		data.Spec.Containers = []corev1.Container{{Name: value, Ports: []corev1.ContainerPort{{Name: value}}}}
		for _, name := range set.Names() {
			out, err := set.Execute(name, data)
			if err != nil {
				t.Fatal(err)
			}
			var pod corev1.Pod
			if err := yaml.UnmarshalStrict(out, &pod); err != nil {
				t.Fatalf("template %q: %v in\n%s", name, err, out)
			}
		}
	})
}
