package templates_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"runtime/metrics"
	"strings"
	"testing"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"
	corev1 "k8s.io/api/core/v1"
	"outrigger.dev/outrigger/templates"
	"sigs.k8s.io/yaml"
)

// Parsing a template and executing it once may take this much memory, all that
// is made and thrown away on the way counted: 64 MiB, which the work that an
// execution has to spend does not reach, and 512 bytes for each byte of the text.
const (
	maxMemory        = 64 << 20
	maxMemoryPerByte = 512
)

// FuzzHostileTemplates: no template makes parsing or executing it panic, hang,
// write more than it may or take memory above the bound, whatever the pod says,
// and it gives the same result twice.
func FuzzHostileTemplates(f *testing.F) {
	for _, text := range hostile {
		f.Add(text, "a", "b")
	}
	for _, text := range templates.Builtin() {
		f.Add(text, "sidecar.istio.io/interceptionMode", "TPROXY")
		f.Add(text, "proxy", "\"\n- x")
	}
	common := newData(f)
	f.Fuzz(func(t *testing.T, text, annotation, value string) {
		data := *common
		data.ObjectMeta.Annotations = map[string]string{annotation: value}
		data.ObjectMeta.Labels = map[string]string{annotation: value}
		data.Spec.Containers = []corev1.Container{{Name: value, Ports: []corev1.ContainerPort{{Name: annotation}}}}
		before := allocated()
		set, err := templates.Parse(map[string]string{"t": text}, templates.Options{})
		if err != nil {
			within(t, len(text), allocated()-before)
			return
		}
		first, err := set.Execute("t", &data)
		within(t, len(text), allocated()-before)
		if len(first) > 1<<20 {
			t.Errorf("%d bytes of output", len(first))
		}
		if err != nil {
			return
		}
		if second, err := set.Execute("t", &data); err != nil || string(first) != string(second) {
			t.Errorf("first %q, then %q and %v", first, second, err)
		}
	})
}

// within holds what a text took to the bound.
func within(t *testing.T, size int, took uint64) {
	t.Helper()
	if bound := uint64(maxMemory + maxMemoryPerByte*size); took > bound {
		t.Errorf("took %d bytes of memory, want at most %d", took, bound)
	}
}

// allocated is how many bytes of memory this process has made so far.
func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
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
	common := newData(f)
	over(common.Values, tree(f, `{global: {proxy: {tracer: datadog}}, pilot: {cni: {enabled: true, provider: multus}}}`))
	f.Fuzz(func(t *testing.T, value string) {
		if !utf8.ValidString(value) {
			return // JSON carries no such text
		}
		data := *common
		data.ObjectMeta.Annotations = map[string]string{}
		for _, key := range keys {
			data.ObjectMeta.Annotations[key] = value
		}
		data.ObjectMeta.Labels = map[string]string{"app": value, "version": value, "security.istio.io/tlsMode": value}
		data.ProxyConfig = proto.CloneOf(common.ProxyConfig)
		data.ProxyConfig.ProxyMetadata = map[string]string{value: value}
		data.Spec.ServiceAccountName = value
		data.Spec.Containers = []corev1.Container{{Name: value, Ports: []corev1.ContainerPort{{Name: value}}}}
		for _, name := range set.Names() {
			out, err := set.Execute(name, &data)
			if err != nil {
				t.Fatal(err)
			}
			if err := readStrictly([]byte(out)); err != nil {
				t.Fatalf("template %q: %v in\n%s", name, err, out)
			}
		}
	})
}

// readStrictly says why a text is no pod. A number that is too large for its
// field is not for a template to see.
func readStrictly(text []byte) error {
	raw, err := yaml.YAMLToJSONStrict(text)
	if err != nil {
		return err
	}
	strict := json.NewDecoder(bytes.NewReader(raw))
	strict.DisallowUnknownFields()
	err = strict.Decode(new(corev1.Pod))
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) && strings.HasPrefix(wrong.Value, "number ") {
		return nil
	}
	return err
}
