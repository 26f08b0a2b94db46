package inject_test

import (
	"testing"

	"outrigger.dev/outrigger/inject"
)

// FuzzRecord: whatever a pod's author writes into the record of an injection, or
// into what istiod leaves on a pod, nothing goes but what a template puts in.
func FuzzRecord(f *testing.F) {
	for _, seed := range seeds()[:30] {
		f.Add(seed, "", "")
	}
	f.Add([]byte{}, `{"containers":["guard","istio-proxy"],"initContainers":["prepare"],"volumes":["data"]}`,
		`{"containers":[{"name":"istio-proxy","image":"auto"},{"name":"guard","image":"x"}],"initContainers":[{"name":"prepare"}]}`)
	all := injectors(f, profiles[0])
	var pods [][]byte
	for _, in := range all {
		result, err := in.Inject(inject.Request{Pod: []byte(ordinary), Namespace: inject.Namespace{Name: "shop"}})
		if err != nil {
			f.Fatal(err)
		}
		pods = append(pods, result.Pod())
	}
	const foreign = `{"name":"guard","image":"guard:1","env":[{"name":"A","value":"b"}],"securityContext":{"runAsUser":1}}`
	f.Fuzz(func(t *testing.T, choices []byte, status, overrides string) {
		s := source(choices)
		choice := s.pick(len(all))
		in, pod := all[choice], readTree(pods[choice])
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
			keepsItsOwn(t, foreigners(before), readTree(result.Pod()))
			settled(t, in, result.Pod())
		}
	})
}

// foreigners is a pod with nothing but what no injection put into it.
func foreigners(pod tree) tree {
	spec := tree{}
	for list, names := range map[string][]string{"containers": {"app", "guard"}, "initContainers": {"prepare"}, "volumes": {"data"}} {
		var own []any
		for _, name := range names {
			own = append(own, named(pod, list)[name])
		}
		spec[list] = own
	}
	return tree{"spec": spec}
}
