package inject

import "strings"

// outlineDepth is down to where an outline has its own: a pod, its spec, a list of
// containers, a container.
const outlineDepth = 4

// outline is what an overlay comes to when it is laid over nothing, [Merge] of the
// two, for one that is as most are: it shares with the overlay what is deeper than a
// container's fields, names of elements and fields apart. It is false for an overlay
// with directives in that depth or two elements of a name.
func outline(overlay object) (object, bool) { return outlineFields(overlay, outlineDepth) }

func outlineFields(o object, depth int) (object, bool) {
	out := make(object, len(o))
	for field, value := range o {
		if strings.HasPrefix(field, "$") {
			return nil, false
		}
		own, ok := outlineValue(field, value, depth-1)
		if !ok {
			return nil, false
		}
		if own != nil {
			out[field] = own
		}
	}
	return out, true
}

func outlineValue(field string, value any, depth int) (any, bool) {
	switch value := value.(type) {
	case object:
		if depth > 0 {
			return outlineFields(value, depth)
		}
	case []any:
		if key, keyed := listKeys[field]; keyed && depth > 0 {
			return outlineList(value, key, depth)
		}
	}
	return value, true
}

func outlineList(list []any, key string, depth int) (any, bool) {
	if len(list) == 0 {
		return nil, true // lays nothing
	}
	out := make([]any, 0, len(list))
	for i, item := range list {
		element, ok := item.(object)
		if !ok {
			return nil, false
		}
		id := identity(element, key)
		for _, before := range list[:i] {
			ok = ok && identity(before, key) != id
		}
		own, plain := outlineFields(element, depth-1)
		if !ok || !plain {
			return nil, false
		}
		out = append(out, own)
	}
	return out, true
}
