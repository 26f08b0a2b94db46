package inject

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// listKeys names the lists of a pod that are merged element by element, and
// the field that tells one element from another: Kubernetes' own patchMergeKey
// tags, where a name stands for one list wherever it occurs in a pod (a test
// holds this table against the tags). Every other list is replaced whole.
var listKeys = map[string]string{
	"containers":                "name",
	"initContainers":            "name",
	"ephemeralContainers":       "name",
	"volumes":                   "name",
	"env":                       "name",
	"imagePullSecrets":          "name",
	"schedulingGates":           "name",
	"resourceClaims":            "name",
	"evictionResponders":        "name",
	"volumeMounts":              "mountPath",
	"volumeDevices":             "devicePath",
	"ports":                     portKey,
	"hostAliases":               "ip",
	"topologySpreadConstraints": "topologyKey",
	"ownerReferences":           "uid",
}

// portKey is the number of a container's port; see [identity] for what else
// tells one port from another.
const portKey = "containerPort"

// Merge lays overlay over base and returns the result: a strategic merge patch
// as the API server and Istio apply it, on trees, so that what our types do not
// know stays. base is used up; overlay is not changed and not shared.
//
// It differs in two places. A null where a list of elements could be takes
// nothing away: "volumes:" with nothing under it is how a template's text ends
// up when no condition held, and not a wish to remove the pod's volumes. And a
// port for UDP is another one than that for TCP of the same number, where the API
// server would make one of the two that a gateway for HTTP/3 has.
func Merge(base, overlay map[string]any) (map[string]any, error) {
	return merging{}.merge(base, overlay)
}

// mergeUsingUp is Merge for an overlay that nobody reads afterwards: what it has
// alone is taken as it is, and not copied.
func mergeUsingUp(base, overlay object) (object, error) {
	return merging{usesUp: true}.merge(base, overlay)
}

// A merging is one overlay's way over a base.
type merging struct{ usesUp bool }

func (m merging) merge(base, overlay object) (object, error) {
	switch directive := overlay[patchDirective]; directive {
	case nil:
	case "replace":
		return m.adoptFields(overlay), nil
	case "delete":
		return object{}, nil
	default:
		return nil, fmt.Errorf("%q: %q is no directive, wanted replace or delete", patchDirective, scalar(directive))
	}
	if base == nil {
		base = object{}
	}
	if err := retainKeys(base, overlay); err != nil {
		return nil, err
	}
	for _, field := range sortedKeys(overlay) {
		if strings.HasPrefix(field, "$") {
			continue
		}
		if err := m.field(base, field, overlay[field]); err != nil {
			return nil, err
		}
	}
	return base, listDirectives(base, overlay)
}

// field lays one field's value over base.
func (m merging) field(base object, field string, value any) error {
	key, keyed := listKeys[field]
	switch value := value.(type) {
	case nil:
		if !keyed {
			delete(base, field)
		}
		return nil
	case object:
		if have, ok := base[field].(object); ok {
			merged, err := m.merge(have, value)
			if err != nil {
				return fmt.Errorf("%s: %w", field, err)
			}
			base[field] = merged
			return nil
		}
	case []any:
		have, ok := base[field].([]any)
		if keyed {
			merged, err := m.list(have, value, key)
			if err != nil {
				return fmt.Errorf("%s: %w", field, err)
			}
			if ok || len(merged) > 0 {
				base[field] = merged
			}
			return nil
		}
		if field == "finalizers" && ok {
			base[field] = union(have, value)
			return nil
		}
	}
	if adopted, keep := m.adopt(value); keep {
		base[field] = adopted
	}
	return nil
}

// list merges elements by key. Elements that only overlay has come first;
// an element of base keeps its place before those that it stood before.
func (m merging) list(base, overlay []any, key string) ([]any, error) {
	merged := slices.Clone(base)
	replace := false
	var laid []string
	for _, item := range overlay {
		element, ok := item.(object)
		if !ok {
			return nil, fmt.Errorf("%q is no object", scalar(item))
		}
		directive := element[patchDirective]
		if directive == "replace" {
			replace = true
			continue
		}
		if _, ok := element[key]; !ok {
			return nil, fmt.Errorf("an element has no %q", key)
		}
		id := identity(element, key)
		if directive == "delete" {
			merged = slices.DeleteFunc(merged, func(v any) bool { return identity(v, key) == id })
			continue
		}
		at := slices.IndexFunc(merged, func(v any) bool { return identity(v, key) == id })
		var err error
		if merged, err = m.lay(merged, at, element); err != nil {
			return nil, fmt.Errorf("%q: %w", id, err)
		}
		laid = append(laid, id)
	}
	if replace {
		merged = slices.DeleteFunc(merged, func(v any) bool { return !slices.Contains(laid, identity(v, key)) })
	}
	return interleave(merged, base, laid, key), nil
}

// lay merges element over the one at index, or appends it where there is none.
func (m merging) lay(list []any, at int, element object) ([]any, error) {
	if at < 0 {
		return append(list, m.adoptFields(element)), nil
	}
	have, _ := list[at].(object)
	merged, err := m.merge(have, element)
	list[at] = merged
	return list, err
}

// interleave puts the elements that were laid in the order they were laid, and
// the others among them as apimachinery does (strategicpatch,
// mergeSortedSlice): another stands before the next laid element only where
// base had both, in that order.
func interleave(merged, base []any, laid []string, key string) []any {
	rank := make(map[string]int, len(base))
	for i, item := range base {
		if id := identity(item, key); id != "" {
			if _, twice := rank[id]; !twice {
				rank[id] = i
			}
		}
	}
	first := make(map[string]any, len(laid))
	var others []any
	for _, item := range merged {
		id := identity(item, key)
		if _, twice := first[id]; !twice && slices.Contains(laid, id) {
			first[id] = item
			continue
		}
		others = append(others, item)
	}
	out := make([]any, 0, len(merged))
	for _, id := range laid {
		item, ok := first[id]
		if !ok {
			continue // named twice by the overlay, or deleted by it again
		}
		delete(first, id)
		if at, had := rank[id]; had {
			for len(others) > 0 {
				other, known := rank[identity(others[0], key)]
				if !known || other >= at {
					break
				}
				out, others = append(out, others[0]), others[1:]
			}
		}
		out = append(out, item)
	}
	return append(out, others...)
}

// identity is what tells an element of a list from the others, "" where the
// element has no such thing.
func identity(item any, key string) string {
	o, ok := item.(object)
	if !ok {
		return ""
	}
	value, ok := o[key]
	if !ok {
		return ""
	}
	if protocol := text(o, "protocol"); key == portKey && protocol != "" && protocol != string(corev1.ProtocolTCP) {
		return scalar(value) + "/" + protocol
	}
	return scalar(value)
}

// adopt is a copy of an overlay's value for a place where the pod has none:
// without nulls, which would mean nothing there, and without directives. keep
// is false for a value that is nothing but a directive.
func (m merging) adopt(v any) (adopted any, keep bool) {
	switch v := v.(type) {
	case object:
		if _, directive := v[patchDirective]; directive && v[patchDirective] != "replace" {
			return nil, false
		}
		return m.adoptFields(v), true
	case []any:
		out := v[:0]
		if !m.usesUp {
			out = make([]any, 0, len(v))
		}
		for _, item := range v {
			if adopted, keep := m.adopt(item); keep {
				out = append(out, adopted)
			}
		}
		return out, true
	default:
		return v, true
	}
}

// adoptFields is adopt for the fields of an object.
func (m merging) adoptFields(o object) object {
	out := o
	if !m.usesUp {
		out = make(object, len(o))
	}
	for field, value := range o {
		keep := value != nil && !strings.HasPrefix(field, "$")
		if keep {
			value, keep = m.adopt(value)
		}
		if keep {
			out[field] = value
		} else {
			delete(out, field)
		}
	}
	return out
}

// union is have and what of more it lacks.
func union(have, more []any) []any {
	out := slices.Clone(have)
	for _, item := range more {
		if !contains(out, item) {
			out = append(out, item)
		}
	}
	return out
}
