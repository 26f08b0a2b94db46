package analyze

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"outrigger.dev/outrigger/inject"
)

// misplaced finds keys of injection where it does not read them: on a Deployment in the
// place of its pods, as an annotation in the place of a label. One that is in the right
// place, too, is none: labels are often written on everything.
func misplaced(s *Scene) ([]Finding, error) {
	var all []Finding
	for _, o := range s.Objects {
		if o.running() {
			continue
		}
		w, hasPod, err := o.workload()
		if err != nil {
			return all, err
		}
		right := places{}
		if hasPod {
			pod, err := ReadObject(w.Pod)
			if err != nil {
				return all, err
			}
			right = places{inject.OnPodLabel: pod.Labels, inject.OnPodAnnotation: pod.Annotations}
		}
		if o.Kind == "Namespace" {
			right = places{inject.OnNamespaceLabel: o.Labels, inject.OnNamespaceAnnotation: o.Annotations}
		}
		if !hasPod && o.Kind != "Namespace" && o.Kind != "Service" {
			continue
		}
		all = append(all, o.misplaced(right)...)
	}
	return all, nil
}

// running says whether an object is a pod of the cluster: its author is elsewhere.
func (o Object) running() bool { return o.Kind == "Pod" && o.File == "" && len(o.Owners) > 0 }

// places are labels and annotations by where they are read.
type places map[inject.Place]map[string]string

// misplaced are the keys of an object's own labels and annotations, and of its pod's,
// that are not where they are read.
func (o Object) misplaced(right places) []Finding {
	var all []Finding
	seen := map[string]bool{}
	look := func(what string, of map[string]string, here inject.Place) {
		for _, name := range slices.Sorted(maps.Keys(of)) {
			key, known := inject.LookupKey(name)
			if !known || !switches(name) || seen[name] || here != "" && slices.Contains(key.On, here) || right.has(key) || writtenOnly(key) {
				continue
			}
			seen[name] = true
			all = append(all, Finding{
				Object: o.Subject, Message: fmt.Sprintf("%s %s has no effect here: it is read as a %s", what, name, wanted(key)),
				Fix: o.moveTo(key, of[name]),
			})
		}
	}
	ownLabel, ownAnnotation := inject.Place(""), inject.Place("")
	if o.Kind == "Namespace" {
		ownLabel, ownAnnotation = inject.OnNamespaceLabel, inject.OnNamespaceAnnotation
	}
	if o.Kind == "Pod" {
		ownLabel, ownAnnotation = inject.OnPodLabel, inject.OnPodAnnotation
	}
	look("label", o.Labels, ownLabel)
	look("annotation", o.Annotations, ownAnnotation)
	look("the pods' label", right[inject.OnPodLabel], inject.OnPodLabel)
	look("the pods' annotation", right[inject.OnPodAnnotation], inject.OnPodAnnotation)
	return all
}

// has says whether a key is in one of its places.
func (p places) has(key inject.Key) bool {
	return slices.ContainsFunc(key.On, func(place inject.Place) bool {
		_, there := p[place][key.Name]
		return there
	})
}

// switches says whether a key is for injection alone: others, like prometheus.io/port,
// have a meaning elsewhere.
func switches(name string) bool {
	prefix, _, _ := strings.Cut(name, "/")
	return name == inject.NamespaceLabel || strings.HasSuffix(prefix, "sidecar.istio.io") || prefix == "inject.istio.io" || prefix == "proxy.istio.io"
}

func writtenOnly(key inject.Key) bool { return len(key.On) == 1 && key.On[0] == inject.Written }

// wanted are the places of a key, for people.
func wanted(key inject.Key) string {
	var all []string
	for _, place := range key.On {
		if place != inject.Written {
			all = append(all, string(place))
		}
	}
	return strings.Join(all, " or ")
}

// moveTo says where the key belongs, as seen from the object.
func (o Object) moveTo(key inject.Key, value string) string {
	switch {
	case slices.Contains(key.On, inject.OnNamespaceLabel):
		return fmt.Sprintf("kubectl label namespace %s %s=%s", namespaceOf(o), key.Name, value)
	case o.Kind == "Namespace" || o.Kind == "Service":
		return fmt.Sprintf("write it on the pods, or %s=%s as a label on the namespace", inject.NamespaceLabel, enabled)
	case slices.Contains(key.On, inject.OnPodLabel):
		return fmt.Sprintf("write %s: %q below spec.template.metadata.labels", key.Name, value)
	default:
		return fmt.Sprintf("write %s: %q below spec.template.metadata.annotations", key.Name, value)
	}
}

func namespaceOf(o Object) string {
	if o.Kind == "Namespace" {
		return o.Name
	}
	return o.Namespace
}
