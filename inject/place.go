package inject

import (
	"slices"
	"strings"
)

// Directives on a container of a template: the containers that it stands
// before and after, by name; "*" stands for all others.
//
//	spec:
//	  initContainers:
//	  - name: fetch-secrets
//	    $before: ["*"]
//
// The order holds among whatever containers there are when the webhook is
// called, again on every call, so that it survives other webhooks. Of several
// that stand before all others the template's first comes first. Names that the
// pod does not have say nothing.
const (
	beforeDirective = "$before"
	afterDirective  = "$after"
)

const everyOther = "*"

// A placement is what a template says about the place of a container.
type placement struct {
	list, name    string
	before, after []string
}

// notePlaces keeps what an overlay says about the places of its containers; a
// later template's word about one replaces an earlier one's.
func (r *rendering) notePlaces(overlay object) {
	for _, list := range containerLists {
		for _, c := range objects(items(sub(overlay, "spec"), list)) {
			p := placement{list: list, name: text(c, "name"), before: strs(c[beforeDirective]), after: strs(c[afterDirective])}
			if len(p.before)+len(p.after) == 0 {
				continue
			}
			r.placements = slices.DeleteFunc(r.placements, func(o placement) bool { return o.list == list && o.name == p.name })
			r.placements = append(r.placements, p)
		}
	}
}

// strs are the texts of a list; a single text is a list of one.
func strs(v any) []string {
	if s, ok := v.(string); ok {
		return []string{s}
	}
	list, _ := v.([]any)
	var out []string
	for _, item := range list {
		out = append(out, scalar(item))
	}
	return out
}

// place puts containers where their template wants them.
func (r *rendering) place() error {
	for _, p := range r.placements {
		spec := sub(r.merged, "spec")
		at, c := find(items(spec, p.list), "name", p.name)
		if c == nil {
			continue
		}
		others := slices.Delete(slices.Clone(items(spec, p.list)), at, at+1)
		low, high := 0, len(others)
		for i, other := range others {
			name := identity(other, "name")
			if r.matches(p, p.after, name, func(o placement) []string { return o.after }) {
				low = i + 1
			}
			if high == len(others) && r.matches(p, p.before, name, func(o placement) []string { return o.before }) {
				high = i
			}
		}
		if low > high {
			return denied(Conflict, "container %q cannot stand before %s and after %s: %s stands before %s",
				p.name, strings.Join(p.before, ", "), strings.Join(p.after, ", "), identity(others[high], "name"), identity(others[low-1], "name"))
		}
		to := high
		if len(p.before) == 0 {
			to = max(low, min(at, high))
		}
		spec[p.list] = slices.Insert(others, to, any(c))
	}
	return nil
}

// matches says whether a container is one of those named. "*" leaves out those
// that stand on the same side of all others themselves.
func (r *rendering) matches(p placement, names []string, name string, side func(placement) []string) bool {
	if slices.Contains(names, name) {
		return true
	}
	if !slices.Contains(names, everyOther) {
		return false
	}
	return !slices.ContainsFunc(r.placements, func(o placement) bool {
		return o.list == p.list && o.name == name && slices.Contains(side(o), everyOther)
	})
}
