package inject_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"runtime/metrics"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"outrigger.dev/outrigger/inject"
)

// An injection may take this much memory, all that it makes and throws away on
// its way counted: 16 MiB, and 256 bytes for each byte of the pod. A pod of the
// corpus takes less than 1 MiB.
const (
	maxMemory        = 16 << 20
	maxMemoryPerByte = 256
)

// profiles are the configurations that pods are fuzzed under. Inputs that were
// found name them by their place: new ones go last.
var profiles = []struct{ config, values, mesh string }{
	{config: `{policy: enabled}`},
	{ // containers of the classic kind, which the application waits for
		config: `{policy: enabled, userCollision: deny, injectedAnnotations: {a/b: c}}`,
		values: `{global: {proxy: {holdApplicationUntilProxyStarts: true}, proxy_init: {forceApplyIptables: true}}}`,
		mesh:   `{enablePrometheusMerge: false}`,
	},
	{ // redirection by a CNI plugin
		config: `{policy: enabled, defaultTemplates: [sidecar, sidecar]}`,
		values: `{global: {network: net1, proxy: {lifecycle: {preStop: {exec: {command: [a]}}}}}, pilot: {cni: {enabled: true, provider: multus}}}`,
	},
	{ // templates of somebody's own, which speak of what a pod may have
		config: `
policy: enabled
defaultTemplates: [logs, sidecar]
retired: [old]
templates:
  logs: |
    metadata: {labels: {logs: "true"}, annotations: {prometheus.io/port: "80"}}
    spec:
      serviceAccountName: logs
      containers: [{name: logs, image: logs:1, volumeMounts: [{name: logs, mountPath: /logs}]}, {name: app, env: [{name: LOGS, value: "1"}]}]
      initContainers: [{name: wait, image: wait:1}]
      volumes: [{name: logs, emptyDir: {}}]
      nodeSelector: {logs: "yes"}
`,
	},
}

// injectors are made of the profiles, each with native sidecars and without.
func injectors(f *testing.F) []*inject.Injector {
	f.Helper()
	var out []*inject.Injector
	for _, p := range profiles {
		for _, native := range []string{"true", "false"} {
			sources := inject.Sources{Config: []byte(p.config), Values: laidOver(f, minimalValues, p.values), Mesh: []byte(p.mesh)}
			in, err := inject.New(sources, inject.Settings{Env: map[string]string{"ENABLE_NATIVE_SIDECARS": native}})
			if err != nil {
				f.Fatal(err)
			}
			out = append(out, in)
		}
	}
	return out
}

// injected injects a pod and holds it to what is so for every pod: no panic, no
// fault but for bytes that are no pod, no memory above the bound, a patch that
// applies and gives the pod that it is said to give. It is nil where there is
// no pod.
func injected(t *testing.T, in *inject.Injector, pod []byte) *inject.Result {
	t.Helper()
	req := inject.Request{Pod: pod, Namespace: inject.Namespace{Name: "shop"}}
	var result inject.Result
	var err error
	took := allocated(func() { result, err = in.Inject(req) })
	if bound := uint64(maxMemory + maxMemoryPerByte*len(pod)); took > bound {
		t.Errorf("%.1000s\ntook %d bytes, want at most %d", pod, took, bound)
	}
	if panicked := (*inject.PanicError)(nil); errors.As(err, &panicked) {
		t.Fatalf("%s\n%v\n%s", pod, err, panicked.Stack)
	}
	if err != nil {
		if !strings.HasPrefix(err.Error(), "pod: ") {
			t.Fatalf("%s\n%v", pod, err)
		}
		return nil
	}
	if result.Decision.Verdict != inject.Inject && len(result.Patch) > 0 {
		t.Errorf("%s\nis not injected and changed: %v", pod, result.Patch)
	}
	applied, err := inject.Apply(pod, result.Patch)
	if err != nil {
		t.Fatalf("%s\n%v: %v", pod, result.Patch, err)
	}
	if diff := cmp.Diff(readTree(applied), readTree(result.Pod)); diff != "" {
		t.Fatalf("%s\n-patched +result\n%s", pod, diff)
	}
	return &result
}

// settled injects an injected pod once more, which changes nothing.
func settled(t *testing.T, in *inject.Injector, pod []byte) {
	t.Helper()
	again := injected(t, in, pod)
	if again == nil || again.Decision.Verdict != inject.Inject || len(again.Patch) > 0 {
		t.Errorf("%s\nthe second call is not without effect:\n%+v", pod, again)
	}
}

// allocated is how many bytes of memory do makes, what it throws away included.
func allocated(do func()) uint64 {
	total := func() uint64 {
		sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
		metrics.Read(sample)
		return sample[0].Value.Uint64()
	}
	before := total()
	do()
	return total() - before
}

// FuzzInjectTwice: whatever the pod, injecting it twice is injecting it once, the
// same bytes give the same patch, and taking it back gives the pod that went in.
// The pods are the bytes, with fields of other pods crossed in by choice.
func FuzzInjectTwice(f *testing.F) {
	garden := newGarden(f)
	for _, pod := range garden.pods {
		f.Add(pod, []byte{})
		for _, seed := range seeds()[:2] {
			f.Add(pod, seed)
		}
	}
	all := injectors(f)
	f.Fuzz(func(t *testing.T, pod, choices []byte) {
		s := source(choices)
		in := all[s.pick(len(all))]
		pod = garden.cross(&s, pod)
		first := injected(t, in, pod)
		if first == nil || first.Decision.Verdict != inject.Inject {
			return
		}
		settled(t, in, first.Pod)
		if diff := cmp.Diff(first.Patch, injected(t, in, pod).Patch); diff != "" {
			t.Errorf("%s\nanother patch for the same pod\n%s", pod, diff)
		}
		if wasInjected(pod) {
			return
		}
		ops, err := in.Uninject(first.Pod)
		if err != nil {
			t.Fatalf("%s\n%v", first.Pod, err)
		}
		back, err := inject.Apply(first.Pod, ops)
		if err != nil {
			t.Fatalf("%s\n%v", first.Pod, err)
		}
		if diff := cmp.Diff(readTree(pod), readTree(back)); diff != "" {
			t.Errorf("%s\n-went in +taken back\n%s", pod, diff)
		}
	})
}

// wasInjected says whether a pod claims to have been injected: then what went in
// is not what went in at first.
func wasInjected(pod []byte) bool {
	return strings.Contains(string(pod), inject.RecordAnnotation) || strings.Contains(string(pod), inject.StatusAnnotation)
}

// ordinary is a pod of somebody who writes annotations.
const ordinary = `{"metadata":{"name":"web","labels":{"app":"web"}},"spec":{
"containers":[{"name":"app","image":"web:1","args":["serve"],"ports":[{"name":"http","containerPort":8080}],
 "readinessProbe":{"httpGet":{"path":"/ready","port":"http"}},"volumeMounts":[{"name":"data","mountPath":"/data"}]}],
"initContainers":[{"name":"prepare","image":"prepare:1"}],
"volumes":[{"name":"data","emptyDir":{}}]}}`

// values are what FuzzAnnotations starts from, for each key that there is.
var values = []string{"", "true", "15020,a", `{"a":{"mountPath":"/a"}}`, "{a: &a [*a]}", "x\"\n  - name: y", "{{ .Values }}'\u2028\x7f"}

// FuzzAnnotations: whatever two keys say, on whichever places they are read from,
// the pod is refused with a sentence or is injected to a pod that has the
// templates' containers and its own ones, those untouched but for their probes.
func FuzzAnnotations(f *testing.F) {
	for _, k := range inject.Keys() {
		for _, value := range values {
			f.Add(k.Name, value, "", "")
		}
	}
	for _, pod := range newGarden(f).pods {
		var p corev1.Pod
		if err := json.Unmarshal(pod, &p); err != nil {
			continue
		}
		keys := slices.Sorted(maps.Keys(p.Annotations))
		for i, key := range keys {
			other := keys[(i+1)%len(keys)]
			f.Add(key, p.Annotations[key], other, p.Annotations[other])
		}
	}
	all := injectors(f)[:2]
	f.Fuzz(func(t *testing.T, key, value, other, otherValue string) {
		pod := readTree([]byte(ordinary))
		write(pod, other, otherValue)
		write(pod, key, value)
		raw, err := json.Marshal(pod)
		if err != nil {
			t.Fatal(err)
		}
		in := all[len(value)%2]
		result := injected(t, in, raw)
		if result == nil {
			t.Fatalf("%s\nis no pod", raw)
		}
		for _, warning := range result.Warnings {
			if len([]rune(warning)) >= 120 {
				t.Errorf("%q is longer than a warning may be", warning)
			}
		}
		switch result.Decision.Verdict {
		case inject.Deny:
			if result.Decision.Sentence == "" {
				t.Errorf("%s\nis refused without a word", raw)
			}
		case inject.Inject:
			keepsItsOwn(t, readTree(raw), readTree(result.Pod))
			if !slices.Contains(laidAsTheyAre, key) && !slices.Contains(laidAsTheyAre, other) {
				knownFieldsOnly(t, result.Pod)
			}
			settled(t, in, result.Pod)
		}
	})
}

// laidAsTheyAre are the keys whose values are JSON that becomes part of the pod.
var laidAsTheyAre = []string{"sidecar.istio.io/userVolume", "sidecar.istio.io/userVolumeMount", inject.OverridesAnnotation}

// knownFieldsOnly holds a pod to having no field that the API's types do not have:
// a value that ended the text that it was pasted into would make some.
func knownFieldsOnly(t *testing.T, pod []byte) {
	t.Helper()
	strict := json.NewDecoder(bytes.NewReader(pod))
	strict.DisallowUnknownFields()
	if err := strict.Decode(new(corev1.Pod)); err != nil {
		t.Errorf("%s\n%v", pod, err)
	}
}

// write writes a key where it is read from: on a pod's labels, annotations, or,
// where nobody reads it from a pod, on both.
func write(pod tree, key, value string) {
	k, _ := inject.LookupKey(key)
	for _, place := range []struct {
		is    inject.Place
		field string
	}{{inject.OnPodLabel, "labels"}, {inject.OnPodAnnotation, "annotations"}} {
		if slices.Contains(k.On, place.is) || !slices.Contains(k.On, inject.OnPodLabel) && !slices.Contains(k.On, inject.OnPodAnnotation) {
			metadata := pod["metadata"].(tree)
			texts, _ := metadata[place.field].(tree)
			if texts == nil {
				texts = tree{}
				metadata[place.field] = texts
			}
			texts[key] = value
		}
	}
}

// keepsItsOwn holds an injected pod to its own containers and volumes being what
// they were, and to no container being there that nobody wrote.
func keepsItsOwn(t *testing.T, before, after tree) {
	t.Helper()
	for _, list := range []string{"containers", "initContainers", "volumes"} {
		was, is := named(before, list), named(after, list)
		for name, element := range was {
			if diff := cmp.Diff(withoutProbes(element), withoutProbes(is[name])); diff != "" {
				t.Errorf("%s %q -before +after\n%s", list, name, diff)
			}
		}
		for name := range is {
			if was[name] == nil && list != "volumes" && !slices.Contains([]string{"istio-proxy", "istio-init", "istio-validation"}, name) {
				t.Errorf("%s %q is nobody's", list, name)
			}
		}
	}
}

// named are the elements of a list of the pod's spec by name.
func named(pod tree, list string) map[string]tree {
	out := map[string]tree{}
	spec, _ := pod["spec"].(tree)
	elements, _ := spec[list].([]any)
	for _, element := range elements {
		if e, ok := element.(tree); ok {
			name, _ := e["name"].(string)
			out[name] = e
		}
	}
	return out
}

func withoutProbes(container tree) tree {
	out := maps.Clone(container)
	for _, field := range []string{"readinessProbe", "livenessProbe", "startupProbe", "lifecycle"} {
		delete(out, field)
	}
	return out
}

// FuzzRecord: whatever a pod's author writes into the record of an injection, or
// into what istiod leaves on a pod, nothing goes but what a template puts in.
func FuzzRecord(f *testing.F) {
	for _, seed := range seeds()[:50] {
		f.Add(seed, "", "")
	}
	f.Add([]byte{}, `{"containers":["guard","istio-proxy"],"initContainers":["prepare"],"volumes":["data"]}`,
		`{"containers":[{"name":"istio-proxy","image":"auto"},{"name":"guard","image":"x"}],"initContainers":[{"name":"prepare"}]}`)
	all := injectors(f)[:2]
	const foreign = `{"name":"guard","image":"guard:1","env":[{"name":"A","value":"b"}],"securityContext":{"runAsUser":1}}`
	f.Fuzz(func(t *testing.T, choices []byte, status, overrides string) {
		s := source(choices)
		in := all[s.pick(2)]
		first := injected(t, in, []byte(ordinary))
		pod := readTree(first.Pod)
		spec, annotations := pod["spec"].(tree), pod["metadata"].(tree)["annotations"].(tree)
		spec["containers"] = append(spec["containers"].([]any), readTree([]byte(foreign)))
		before := copyTree(pod)
		record := readTree([]byte(annotations[inject.RecordAnnotation].(string)))
		if s.maybe() {
			record["undo"] = s.undo(pod)
			annotations[inject.RecordAnnotation] = string(encoded(record))
		} else {
			delete(annotations, inject.RecordAnnotation)
			annotations[inject.StatusAnnotation], annotations[inject.OverridesAnnotation] = status, overrides
		}
		raw := encoded(pod)
		result := injected(t, in, raw)
		if result == nil {
			t.Fatalf("%s\nis no pod", raw)
		}
		if result.Decision.Verdict == inject.Inject {
			keepsItsOwn(t, foreigners(before), readTree(result.Pod))
			settled(t, in, result.Pod)
		}
	})
}

// foreigners is a pod without what an injection adds.
func foreigners(pod tree) tree {
	spec := tree{}
	for _, list := range []string{"containers", "initContainers"} {
		var left []any
		for name, element := range named(pod, list) {
			if !strings.HasPrefix(name, "istio-") {
				left = append(left, element)
			}
		}
		spec[list] = left
	}
	spec["volumes"] = []any{tree{"name": "data", "emptyDir": tree{}}}
	return tree{"spec": spec}
}
