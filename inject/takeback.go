package inject

import (
	"slices"
	"strings"
)

// takeBack undoes an injection on pod, in place: of the undo, what allowed says
// may be undone. What it does not allow is given to kept and stays.
//
// A record is the pod author's word: it is believed where it speaks of what the
// templates at hand put into pods, and nowhere else. Otherwise a pod author
// could have the containers of other webhooks removed.
func takeBack(pod object, u undo, allowed map[string]bool, kept func(path string)) {
	t := taker{allowed: allowed, kept: kept}
	t.fields(pod, u, "")
}

type taker struct {
	allowed map[string]bool
	kept    func(path string)
}

func (t taker) may(path string) bool {
	if t.allowed == nil || covered(t.allowed, path) || rewritten(path) {
		return true
	}
	t.kept(path)
	return false
}

// covered says whether a path is one of places, or below one that a template
// writes as a whole: where the pod has such a thing of its own, a template that
// is laid over it changes something inside.
//
//	/spec/volumes/NAME    an element of any list by key but the containers
//	/spec/dnsConfig       any other field whose parts have one owner
func covered(places map[string]bool, path string) bool {
	if places[path] {
		return true
	}
	parts := strings.Split(path, "/")
	whole := 1 + slices.IndexFunc(parts[1:], func(field string) bool { return !shared[field] })
	if whole == 0 || slices.Contains(containerLists, parts[whole]) {
		return false
	}
	if _, keyed := listKeys[parts[whole]]; keyed {
		whole++
	}
	return whole+1 < len(parts) && places[strings.Join(parts[:whole+1], "/")]
}

// rewritten says whether a place is one that finishing writes to in any pod,
// whatever its templates:
//
//	/metadata/labels       the network's label
//	/metadata/annotations  Prometheus' keys, the status, the overrides
//	a container            its probes and handlers
//	the proxy's container  all that is in it
func rewritten(path string) bool {
	if path == pointer("/metadata/labels", networkLabel) {
		return true
	}
	if key, ok := strings.CutPrefix(path, "/metadata/annotations/"); ok {
		key = pointerUnescaper.Replace(key)
		return key == StatusAnnotation || key == OverridesAnnotation || slices.Contains(prometheusKeys, prometheusKey(key))
	}
	parts := strings.Split(path, "/")
	if len(parts) < 5 || parts[1] != "spec" || !slices.Contains(containerLists, parts[2]) {
		return false
	}
	return parts[3] == ProxyContainer || slices.Contains(probeFields, parts[4])
}

// probeFields are the fields of a container that probes are in.
var probeFields = []string{"readinessProbe", "livenessProbe", "startupProbe", "lifecycle"}

func (t taker) fields(o object, u undo, path string) {
	for _, field := range sortedKeys(u) {
		if field == undoPlace || field == undoFrom {
			continue
		}
		at := pointer(path, field)
		switch node := u[field].(type) {
		case object:
			t.inside(o, field, node, at)
		case []any:
			if len(node) == 1 && !t.several(field, o[field]) && t.may(at) {
				o[field] = clone(node[0])
			}
		default:
			if value, there := o[field]; there && !t.several(field, value) && t.may(at) {
				delete(o, field)
			}
		}
	}
}

// several says whether a field's value has parts of several owners, of which a
// record may speak one by one only. An undo of ours does so; one that a pod's
// author wrote could otherwise replace the whole list of containers.
func (t taker) several(field string, value any) bool {
	if t.allowed == nil {
		return false
	}
	switch value := value.(type) {
	case object:
		return shared[field] && len(value) > 0
	case []any:
		_, keyed := listKeys[field]
		return keyed && len(value) > 0
	default:
		return false
	}
}

// inside undoes what was done in one field's value. One that was added whole
// goes when nothing of others is left in it.
func (t taker) inside(o object, field string, node undo, path string) {
	inner, whole := node[undoAdded].(object)
	if !whole {
		inner = node
	}
	switch value := o[field].(type) {
	case object:
		had := len(value) > 0
		t.fields(value, inner, path)
		if whole && len(value) == 0 && (had || t.may(path)) {
			delete(o, field)
		}
	case []any:
		key, keyed := listKeys[field]
		if !keyed {
			return
		}
		left := t.list(o, field, value, inner, key, path)
		if whole && len(left) == 0 && (len(value) > 0 || t.may(path)) {
			delete(o, field)
			return
		}
		o[field] = left
	}
}

// list undoes what was done to the elements of a list, and returns what is left.
func (t taker) list(o object, field string, list []any, u undo, key, path string) []any {
	var moved []movedElement
	out := make([]any, 0, len(list)+1)
	for _, item := range list {
		id := identity(item, key)
		switch node := u[id].(type) {
		case nil:
			out = append(out, item)
		case object:
			if _, whole := node[undoAdded].(object); whole {
				if !t.may(pointer(path, id)) {
					out = append(out, item)
				}
				continue
			}
			if element, ok := item.(object); ok {
				name, named := element[key]
				t.fields(element, node, pointer(path, id))
				if named {
					element[key] = name // no injection renames
				}
			}
			if m, ok := moveOf(field, item, node); ok && (slices.Contains(movers, id) || t.may(pointer(path, id))) {
				moved = append(moved, m)
				continue
			}
			out = append(out, item)
		case []any:
			out = append(out, item)
		default:
			if !t.may(pointer(path, id)) {
				out = append(out, item)
			}
		}
	}
	for _, id := range sortedKeys(u) {
		gone, ok := u[id].([]any)
		if ok && len(gone) == 1 && !slices.ContainsFunc(list, func(v any) bool { return identity(v, key) == id }) && t.may(pointer(path, id)) {
			out = append(out, clone(gone[0]))
		}
	}
	return putBack(o, field, out, key, moved)
}

// A movedElement goes back behind another, of the list that it came from; of
// the same list where that is "".
type movedElement struct {
	item   any
	list   string
	behind string
}

// moveOf reads where an element of a list was; only a container can have been
// in another list.
func moveOf(field string, item any, node undo) (movedElement, bool) {
	behind, ok := node[undoPlace].(string)
	from := text(node, undoFrom)
	between := slices.Contains(containerLists, field) && slices.Contains(containerLists, from)
	return movedElement{item, from, behind}, ok && (from == "" || between)
}

// putBack puts moved elements where they were: each behind the one that it
// stood behind, which may be a moved one itself; last where that is gone.
func putBack(o object, field string, out []any, key string, moved []movedElement) []any {
	lists := map[string][]any{field: out}
	for placed := true; placed && len(moved) > 0; {
		placed = false
		moved = slices.DeleteFunc(moved, func(m movedElement) bool {
			home := homeOf(o, field, m, lists)
			at := 0
			if m.behind != "" {
				at = 1 + slices.IndexFunc(lists[home], func(v any) bool { return identity(v, key) == m.behind })
			}
			if at == 0 && m.behind != "" {
				return false
			}
			lists[home] = slices.Insert(lists[home], at, m.item)
			placed = true
			return true
		})
	}
	for _, m := range moved {
		home := homeOf(o, field, m, lists)
		lists[home] = append(lists[home], m.item)
	}
	for list, elements := range lists {
		if list != field {
			o[list] = elements
		}
	}
	return lists[field]
}

// homeOf names the list that a moved element goes back to, and has it at hand.
func homeOf(o object, field string, m movedElement, lists map[string][]any) string {
	if m.list == "" || m.list == field {
		return field
	}
	if _, ok := lists[m.list]; !ok {
		lists[m.list] = slices.Clone(items(o, m.list))
	}
	return m.list
}

// emitted adds to paths what an undo speaks of: the places that an injection
// wrote to.
func emitted(paths map[string]bool, u undo, path string) {
	for field, node := range u {
		if field == undoPlace || field == undoFrom {
			continue
		}
		at := pointer(path, field)
		inner, isObject := node.(object)
		if !isObject {
			paths[at] = true
			continue
		}
		_, moved := inner[undoPlace]
		if whole, ok := inner[undoAdded].(object); ok || moved {
			paths[at] = true
			if ok {
				inner = whole
			}
		}
		emitted(paths, inner, at)
	}
}
