package inject_test

import (
	"errors"
	"fmt"
	"runtime/metrics"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"outrigger.dev/outrigger/inject"
)

// An injection may take this much memory, all that it makes and throws away on
// its way counted: 16 MiB, and 256 bytes for each byte of the pod. A pod of the
// corpus takes less than 1 MiB.
const (
	maxMemory        = 16 << 20
	maxMemoryPerByte = 256
)

// A profile is a configuration that pods are fuzzed under.
type profile struct{ config, values, mesh string }

// profiles are named by their place in inputs that were found: new ones go last.
var profiles = []profile{
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

// injectors are made of profiles, each with native sidecars and without.
func injectors(f *testing.F, profiles ...profile) []*inject.Injector {
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
	if diff := cmp.Diff(readTree(applied), readTree(result.Pod())); diff != "" {
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
	all := injectors(f, profiles...)
	f.Fuzz(func(t *testing.T, pod, choices []byte) {
		s := source(choices)
		in := all[s.pick(len(all))]
		pod = garden.cross(&s, pod)
		first := injected(t, in, pod)
		if first == nil || first.Decision.Verdict != inject.Inject {
			return
		}
		if diff := cmp.Diff(first.Patch, injected(t, in, pod).Patch); diff != "" {
			t.Errorf("%s\nanother patch for the same pod\n%s", pod, diff)
		}
		if !distinct(readTree(pod)) {
			return
		}
		settled(t, in, first.Pod())
		if wasInjected(pod) {
			return
		}
		ops, err := in.Uninject(first.Pod())
		if err != nil {
			t.Fatalf("%s\n%v", first.Pod(), err)
		}
		back, err := inject.Apply(first.Pod(), ops)
		if err != nil {
			t.Fatalf("%s\n%v", first.Pod(), err)
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

// distinct says whether what injection tells apart by name, or a port by number
// and protocol, is there once. The API server takes no pod with two containers or
// volumes of a name, and warns of two ports of a number.
func distinct(pod tree) bool {
	seen, ok := map[string]bool{}, true
	once := func(what ...any) {
		id := fmt.Sprintln(what...)
		ok = ok && !seen[id]
		seen[id] = true
	}
	spec, _ := pod["spec"].(tree)
	for list, kind := range map[string]string{"containers": "container", "initContainers": "container", "volumes": "volume"} {
		elements, _ := spec[list].([]any)
		for _, element := range elements {
			e, _ := element.(tree)
			ok = ok && e["name"] != nil
			once(kind, e["name"])
			ports, _ := e["ports"].([]any)
			for _, port := range ports {
				p, _ := port.(tree)
				protocol := p["protocol"]
				if protocol == nil || protocol == "" {
					protocol = "TCP"
				}
				once(e["name"], p["containerPort"], protocol)
			}
		}
	}
	return ok
}
