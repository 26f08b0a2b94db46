package inject

import (
	"encoding/json"
	"slices"
)

// An undo is what is needed to get from an injected pod back to the one that
// went in, in the pod's own shape, so that it fits whatever others have done to
// the pod since. It holds names, and of values only those that were replaced.
//
//	what was done                             what is kept
//	a field or element was added              0
//	a container, or a field that others may   {"+": {…}}, with what was put into it
//	add to as well, was added
//	a value was replaced or removed           [the value]
//	something inside was changed              {…}
//	an element changed its place              {"@": what it stood behind, …}
//	a container came from the other list      {"<": "containers", "@": what it stood behind, …}
//
// What an element stood behind is the key of the element before it, "" for the
// first: an index would not hold once somebody else has put an element before.
//
// No field, container or annotation can be called "+", "@" or "<".
type undo = object

const (
	undoAdded = "+"
	undoPlace = "@"
	undoFrom  = "<"
)

// addedNode marks what was not there before.
var addedNode any = json.Number("0")

// shared are the fields whose parts have several owners: other webhooks and
// the API server's own plugins add labels, limits and security settings to
// containers that are ours.
var shared = map[string]bool{
	"metadata": true, "labels": true, "annotations": true, "spec": true,
	"securityContext": true, "resources": true, "limits": true, "requests": true,
	"nodeSelector": true,
}

// containerLists are the lists whose elements are looked into.
var containerLists = []string{"containers", "initContainers"}

// undoOf is the undo from after to before.
func undoOf(before, after object) undo {
	out := undoFields(before, after)
	spec, was, is := sub(out, "spec"), sub(before, "spec"), sub(after, "spec")
	for _, list := range containerLists {
		for _, other := range containerLists {
			if list != other {
				markMoved(spec, was, is, list, other)
			}
		}
	}
	return out
}

// markMoved finds the containers that went from one list to the other, and
// says so where they are now instead of where they were.
func markMoved(spec, was, is object, from, to string) {
	for i, item := range items(was, from) {
		name := identity(item, "name")
		then, isObject := item.(object)
		_, now := find(items(is, to), "name", name)
		if at, _ := find(items(is, from), "name", name); at >= 0 || now == nil || !isObject {
			continue
		}
		list := sub(spec, to)
		if inner := sub(list, undoAdded); inner != nil {
			list = inner
		}
		moved := undoFields(then, now)
		moved[undoFrom], moved[undoPlace] = from, beforeIn(items(was, from), i, "name")
		list[name] = moved
		delete(sub(spec, from), name)
	}
}

// beforeIn is the key of the element before the one at index i.
func beforeIn(list []any, i int, key string) string {
	if i == 0 {
		return ""
	}
	return identity(list[i-1], key)
}

func undoFields(before, after object) undo {
	out := undo{}
	for field, was := range before {
		is, stays := after[field]
		switch {
		case !stays:
			out[field] = []any{was}
		case was == nil && is != nil:
			out[field] = sketch(field, is)
		default:
			if node := undoValue(field, was, is); node != nil {
				out[field] = node
			}
		}
	}
	for field, is := range after {
		if _, had := before[field]; !had {
			out[field] = sketch(field, is)
		}
	}
	return out
}

// undoValue is nil where nothing changed.
func undoValue(field string, was, is any) any {
	if equal(was, is) {
		return nil
	}
	switch was := was.(type) {
	case object:
		if is, ok := is.(object); ok {
			return undoFields(was, is)
		}
	case []any:
		key, keyed := listKeys[field]
		if is, ok := is.([]any); ok && keyed {
			return undoList(field, was, is, key)
		}
	}
	return []any{was}
}

func undoList(field string, before, after []any, key string) undo {
	out := undo{}
	stays := stayingButFor(movers, elementIDs(before, key), elementIDs(after, key))
	for i, item := range before {
		at := slices.IndexFunc(after, func(v any) bool { return identity(v, key) == identity(item, key) })
		if at < 0 {
			out[identity(item, key)] = []any{item}
			continue
		}
		node := undo{}
		if was, ok := item.(object); ok {
			if is, ok := after[at].(object); ok {
				node = undoFields(was, is)
			}
		}
		if !slices.ContainsFunc(stays, func(s stay) bool { return s.before == i }) {
			node[undoPlace] = beforeIn(before, i, key)
		}
		if len(node) > 0 {
			out[identity(item, key)] = node
		}
	}
	for _, item := range after {
		id := identity(item, key)
		if !slices.ContainsFunc(before, func(v any) bool { return identity(v, key) == id }) {
			out[id] = sketchElement(field, item)
		}
	}
	return out
}

// sketch is the undo of a value that was added, deep enough to tell what is
// ours in it from what others may add later.
func sketch(field string, value any) any {
	switch value := value.(type) {
	case object:
		if shared[field] {
			return undo{undoAdded: undoFields(nil, value)}
		}
	case []any:
		if key, keyed := listKeys[field]; keyed {
			inner := undo{}
			for _, item := range value {
				inner[identity(item, key)] = sketchElement(field, item)
			}
			return undo{undoAdded: inner}
		}
	}
	return addedNode
}

func sketchElement(field string, item any) any {
	if element, ok := item.(object); ok && slices.Contains(containerLists, field) {
		return undo{undoAdded: undoFields(nil, element)}
	}
	return addedNode
}
