package inject

import (
	"slices"
	"strconv"
	"strings"
)

// Patch is the JSON Patch that turns the tree before into the tree after.
//
// A list that merges by key is walked by key: an element keeps its identity
// wherever it stands, so that nothing of one container is ever written to
// another, and what is added costs one operation. Every other list is replaced
// whole where it differs. The same trees give the same operations in the same
// order: lists are first brought to their elements, from the end removed and
// from the start added, and then the elements are looked into. Where elements
// changed places with each other, the movers are taken out and put in.
func Patch(before, after map[string]any, movers ...string) []Operation {
	d := differ{ops: make([]Operation, 0, 16), movers: movers}
	d.object("", before, after)
	return d.ops
}

// A differ collects operations.
type differ struct {
	ops    []Operation
	movers []string
}

func (d *differ) add(op, path, field string, value any) {
	d.ops = append(d.ops, Operation{Operation: op, Path: pointer(path, field), Value: value})
}

func (d *differ) object(path string, before, after object) {
	var room [8]string
	gone := room[:0]
	for field := range before {
		if _, stays := after[field]; !stays {
			gone = append(gone, field)
		}
	}
	slices.Sort(gone)
	for _, field := range gone {
		d.add("remove", path, field, nil)
	}
	changed := room[:0]
	for field, is := range after {
		if was, had := before[field]; !had || !equal(was, is) {
			changed = append(changed, field)
		}
	}
	slices.Sort(changed)
	for _, field := range changed {
		was, had := before[field]
		if !had || was == nil && after[field] != nil {
			d.add("add", path, field, after[field])
			continue
		}
		d.value(path, field, was, after[field])
	}
}

// value goes into what a field was and is where both are of one kind.
func (d *differ) value(path, field string, was, is any) {
	switch was := was.(type) {
	case object:
		if is, ok := is.(object); ok {
			d.object(pointer(path, field), was, is)
			return
		}
	case []any:
		key, keyed := listKeys[field]
		if is, ok := is.([]any); ok && keyed {
			d.list(pointer(path, field), was, is, key)
			return
		}
	}
	d.add("replace", path, field, is)
}

// list brings a list to the elements of another, and then looks into those that
// stayed.
func (d *differ) list(path string, before, after []any, key string) {
	stays := stayingButFor(d.movers, elementIDs(before, key), elementIDs(after, key))
	for at, next := len(before)-1, len(stays)-1; at >= 0; at-- {
		if next >= 0 && stays[next].before == at {
			next--
			continue
		}
		d.add("remove", path, strconv.Itoa(at), nil)
	}
	for at, next := 0, 0; at < len(after); at++ {
		if next < len(stays) && stays[next].after == at {
			next++
			continue
		}
		d.add("add", path, strconv.Itoa(at), after[at])
	}
	for _, s := range stays {
		if was, is := before[s.before], after[s.after]; !equal(was, is) {
			d.value(path, strconv.Itoa(s.after), was, is)
		}
	}
}

// An elementID tells one element of a list from another. Lists that merge by
// key may hold a key twice (a port for TCP and for UDP), so it counts.
type elementID struct {
	key string
	nth int
}

func elementIDs(list []any, key string) []elementID {
	seen := make(map[string]int, len(list))
	out := make([]elementID, len(list))
	for i, item := range list {
		id := identity(item, key)
		out[i] = elementID{id, seen[id]}
		seen[id]++
	}
	return out
}

// A stay is an element that is not taken out: where it was and where it will be.
type stay struct{ before, after int }

// stayingButFor are the elements that need not be taken out: the most that both
// lists have in one order, where those among the movers do not count.
func stayingButFor(movers []string, before, after []elementID) []stay {
	common := commonOf(before, after)
	if inOrder(common) {
		return common
	}
	return longestRising(slices.DeleteFunc(common, func(s stay) bool {
		return slices.Contains(movers, before[s.before].key)
	}))
}

func commonOf(before, after []elementID) []stay {
	place := make(map[elementID]int, len(after))
	for i, id := range after {
		place[id] = i
	}
	var common []stay
	for i, id := range before {
		if at, ok := place[id]; ok {
			common = append(common, stay{i, at})
		}
	}
	return common
}

func inOrder(common []stay) bool {
	return slices.IsSortedFunc(common, func(a, b stay) int { return a.after - b.after })
}

// longestRising picks the most elements whose places after rise with their
// places before. Where nothing moved, which is nearly always, that is all.
func longestRising(common []stay) []stay {
	if inOrder(common) {
		return common
	}
	length := make([]int, len(common))
	previous := make([]int, len(common))
	best := -1
	for i := range common {
		length[i], previous[i] = 1, -1
		for j := range i {
			if common[j].after < common[i].after && length[j]+1 > length[i] {
				length[i], previous[i] = length[j]+1, j
			}
		}
		if best < 0 || length[i] > length[best] {
			best = i
		}
	}
	var out []stay
	for i := best; i >= 0; i = previous[i] {
		out = append(out, common[i])
	}
	slices.Reverse(out)
	return out
}

// pointer is path's child field as a JSON Pointer (RFC 6901).
func pointer(path, field string) string {
	return path + "/" + pointerEscaper.Replace(field)
}

var (
	pointerEscaper   = strings.NewReplacer("~", "~0", "/", "~1")
	pointerUnescaper = strings.NewReplacer("~1", "/", "~0", "~")
)
