package inject_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"outrigger.dev/outrigger/inject"
)

// ordinary is a pod of somebody who writes annotations.
const ordinary = `{"metadata":{"name":"web","labels":{"app":"web"}},"spec":{
"containers":[{"name":"app","image":"web:1","args":["serve"],"ports":[{"name":"http","containerPort":8080}],
 "readinessProbe":{"httpGet":{"path":"/ready","port":"http"}},"volumeMounts":[{"name":"data","mountPath":"/data"}]}],
"initContainers":[{"name":"prepare","image":"prepare:1"}],
"volumes":[{"name":"data","emptyDir":{}}]}}`

// values are what FuzzAnnotations starts from, for each key that there is.
var values = []string{"", "15020,a", `{"a":{"mountPath":"/a"}}`, `[{"name":"a","MOUNTPATH":"/a"},{"name":"data","emptydir":{}}]`, "x\"\n  - name: y", "{{ .Values }}'\u2028\x7f"}

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
	all := injectors(f, profiles[0])
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
			keepsItsOwn(t, readTree(raw), readTree(result.Pod()))
			if !slices.Contains(laidAsTheyAre, key) && !slices.Contains(laidAsTheyAre, other) {
				knownFieldsOnly(t, result.Pod())
			}
			settled(t, in, result.Pod())
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
