package inject

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// A pod is worked on as the tree that its JSON is, not as the type that our
// k8s.io/api has for it: a field that is newer than we are has no place in the
// type, and would be gone, or on another container, once it went through it.
// Numbers keep their text, so that what is not changed compares equal.
type object = map[string]any

// clone is a copy that shares nothing with v.
func clone(v any) any {
	switch v := v.(type) {
	case object:
		out := make(object, len(v))
		for key, value := range v {
			out[key] = clone(value)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, value := range v {
			out[i] = clone(value)
		}
		return out
	default:
		return v
	}
}

// equal compares two trees; numbers by their text.
func equal(a, b any) bool {
	switch a := a.(type) {
	case object:
		b, ok := b.(object)
		return ok && maps.EqualFunc(a, b, equal)
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, equal)
	default:
		switch b.(type) {
		case object, []any:
			return false
		}
		return a == b
	}
}

// contains says whether a list has an element that equals v.
func contains(list []any, v any) bool {
	return slices.ContainsFunc(list, func(item any) bool { return equal(item, v) })
}

// sub is the object in field of o, nil where there is none.
func sub(o object, field string) object {
	child, _ := o[field].(object)
	return child
}

// ensure is the object in field of o, made where there is none.
func ensure(o object, field string) object {
	child, ok := o[field].(object)
	if !ok {
		child = object{}
		o[field] = child
	}
	return child
}

// items is the list in field of o, nil where there is none.
func items(o object, field string) []any {
	list, _ := o[field].([]any)
	return list
}

// text is the string in field of o, "" where there is none.
func text(o object, field string) string {
	s, _ := o[field].(string)
	return s
}

// find is the element of a list whose field is value, and where it is; -1
// where no element is.
func find(list []any, field, value string) (int, object) {
	for i, item := range list {
		if o, ok := item.(object); ok && text(o, field) == value {
			return i, o
		}
	}
	return -1, nil
}

// objects are those elements of a list that are objects.
func objects(list []any) []object {
	out := make([]object, 0, len(list))
	for _, item := range list {
		if o, ok := item.(object); ok {
			out = append(out, o)
		}
	}
	return out
}

// scalar is a leaf's text: what a merge key is compared by.
func scalar(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	default:
		return fmt.Sprint(v)
	}
}

// sortedKeys are an object's keys in the order that everything is done in.
func sortedKeys(o object) []string {
	keys := make([]string, 0, len(o))
	for key := range o {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
