package inject

import "slices"

// settle brings a pod that was injected afresh in line with what stands in the
// pod that was sent, which had been injected before: what the API server
// defaulted and what others added in things of ours stays. Without it a second
// call would take out the token's mount that the ServiceAccount plugin puts
// into our container after the first.
//
// u is what the pod's record speaks of; where it is silent, nothing of sent is
// ours, and fresh was made from it.
func settle(fresh, sent object, u undo) { settleIn("", fresh, sent, u) }

// settleIn settles the object that is in a field.
func settleIn(parent string, fresh, sent object, u undo) {
	for field, node := range u {
		is, ok := fresh[field]
		was, had := sent[field]
		if !ok || !had {
			if isDropped(field, is) {
				delete(fresh, field)
			}
			continue
		}
		inner, isObject := node.(object)
		if !isObject {
			fresh[field] = defaulted(within(parent, field), is, was)
			continue
		}
		settleInside(field, is, was, inner, func(list []any) { fresh[field] = list })
	}
}

// settleInside settles the parts of a value. put takes a list that grew.
func settleInside(field string, is, was any, u undo, put func([]any)) {
	if whole, ok := u[undoAdded].(object); ok {
		u = whole
	}
	switch is := is.(type) {
	case object:
		if was, ok := was.(object); ok {
			settleIn(field, is, was, u)
		}
	case []any:
		key, keyed := listKeys[field]
		if was, ok := was.([]any); ok && keyed {
			put(settleList(is, was, u, key))
		}
	}
}

// settleList settles the elements that the record speaks of.
func settleList(fresh, sent []any, u undo, key string) []any {
	for i, item := range fresh {
		id := identity(item, key)
		node, ours := u[id]
		at := slices.IndexFunc(sent, func(v any) bool { return identity(v, key) == id })
		if !ours || at < 0 {
			continue
		}
		is, ok := item.(object)
		was, wasObject := sent[at].(object)
		if !ok || !wasObject {
			continue
		}
		inner, isObject := node.(object)
		switch {
		case !isObject:
			fresh[i] = defaulted("", is, was)
		case inner[undoAdded] != nil:
			fresh[i] = settleAdded("", is, was, sub(inner, undoAdded))
		default:
			settle(is, was, inner)
		}
	}
	return fresh
}

// settleAdded settles an object that we added: what it has that we neither put
// in before nor put in now is somebody else's, and stays. parent is the field that the object is in.
func settleAdded(parent string, fresh, sent object, ours undo) object {
	for _, field := range sortedKeys(sent) {
		was := sent[field]
		is, again := fresh[field]
		node, before := ours[field]
		if !again {
			if !before {
				fresh[field] = was
				continue
			}
			if inner, ok := node.(object); ok {
				keepForeign(fresh, field, was, inner)
			}
			continue
		}
		settleField(parent, fresh, field, is, was, node)
	}
	for _, field := range sortedKeys(fresh) {
		if _, stored := sent[field]; !stored && ours[field] != nil && isDropped(field, fresh[field]) {
			delete(fresh, field)
		}
	}
	return fresh
}

// settleField settles a field that both have.
func settleField(parent string, fresh object, field string, is, was any, node any) {
	whole, _ := node.(object)
	inner := sub(whole, undoAdded)
	switch is := is.(type) {
	case object:
		if was, ok := was.(object); ok && shared[field] {
			if field == "resources" {
				was = withoutStaleRequests(is, was, inner)
			}
			fresh[field] = settleAdded(field, is, was, inner)
			return
		}
	case []any:
		key, keyed := listKeys[field]
		if was, ok := was.([]any); ok && keyed {
			fresh[field] = settleAddedList(is, was, inner, key)
			return
		}
	}
	fresh[field] = defaulted(within(parent, field), is, was)
}

// withoutStaleRequests is sent without the requests that the API server made of
// our limits, where those are others now: no request may be above its limit.
func withoutStaleRequests(fresh, sent object, ours undo) object {
	out, _ := clone(sent).(object)
	put := sub(sub(ours, "requests"), undoAdded)
	for name, was := range sub(sent, "limits") {
		now, limited := sub(fresh, "limits")[name]
		if put[name] == nil && limited && !sameQuantity(now, was) && sameQuantity(sub(out, "requests")[name], was) {
			delete(sub(out, "requests"), name)
		}
	}
	return out
}

// settleAddedList keeps, in a list of an element of ours, what others put into
// it, each behind the element that it stands behind.
func settleAddedList(fresh, sent []any, ours undo, key string) []any {
	out := fresh
	for i, item := range sent {
		id := identity(item, key)
		at := slices.IndexFunc(out, func(v any) bool { return identity(v, key) == id })
		if at >= 0 {
			out[at] = defaulted("", out[at], item)
			continue
		}
		if _, before := ours[id]; before {
			continue
		}
		place := 0
		if i > 0 {
			previous := identity(sent[i-1], key)
			place = 1 + slices.IndexFunc(out, func(v any) bool { return identity(v, key) == previous })
			if place == 0 {
				place = len(out)
			}
		}
		out = slices.Insert(out, place, item)
	}
	return out
}

// keepForeign keeps what others put into a field that we no longer set.
func keepForeign(fresh object, field string, was any, node undo) {
	inner := sub(node, undoAdded)
	switch was := was.(type) {
	case object:
		if left := settleAdded(field, object{}, was, inner); len(left) > 0 {
			fresh[field] = left
		}
	case []any:
		if left := settleAddedList(nil, was, inner, listKeys[field]); len(left) > 0 {
			fresh[field] = left
		}
	}
}
