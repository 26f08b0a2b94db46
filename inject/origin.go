package inject

import (
	"strconv"
	"strings"
)

// The rules that set values on a pod beside its templates, in the order in which
// they come; see [Origin].
const (
	byTemplate     = "template " // and its name
	byOverrides    = "overrides"
	byUser         = "user"
	byPodResources = "pod-resources"
	byPath         = "path"
	byPrometheus   = "prometheus"
	byProbes       = "probes"
	byMetadata     = "metadata"
	byRecord       = "record"
	byReinjection  = "re-injection"
)

// An Origin says who set a value of an injected pod. It counts for what is below
// its path, too, but for what has an origin of its own.
type Origin struct {
	// Path is a JSON Pointer into the injected pod; for what was removed, into the
	// pod as it was sent.
	Path string
	// By is "template NAME" or a rule:
	//
	//	overrides      the pod's own containers over the template's
	//	user           the proxy's user, where it follows the application's
	//	pod-resources  resources that the pod has as a whole
	//	path           cluster, network and variables of the webhook's URL
	//	prometheus     metrics of proxy and application as one
	//	probes         the application's probes, by way of the proxy
	//	metadata       labels and annotations that the injector itself writes
	//	record         what it takes to take the injection back
	//	re-injection   an earlier injection, taken back
	By string
	// Op is "add", "replace" or "remove".
	Op string
}

// A tracing notes, between the rules that a pod goes through, what each changed.
// Nil is one that notes nothing, as for every pod but those of a dry run.
type tracing struct {
	was any
	// by is who last set a place: its fields one after the other, elements of lists
	// by what tells them apart.
	by      map[string]string
	origins []Origin

	// names are what the pod, where it listed them, or else the configuration wants
	// for templates.
	names     []string
	listed    bool
	native    bool
	nativeWhy string
}

const placeSeparator = "\x00"

// start notes how the pod is before the first rule.
func (t *tracing) start(base object) {
	if t != nil {
		t.was, t.by = clone(base), map[string]string{}
	}
}

// note notes what a rule has made of the pod.
func (t *tracing) note(by string, now object) {
	if t == nil {
		return
	}
	t.value("", "", t.was, now, by)
	t.was = clone(now)
}

// laid notes what a template that was laid over the pod has made of it.
func (t *tracing) laid(name string, now object) {
	if t != nil {
		t.note(byTemplate+name, now)
	}
}

// chose notes what named the templates.
func (t *tracing) chose(names []string, listed bool) {
	if t != nil {
		t.names, t.listed = names, listed
	}
}

func (t *tracing) isNative(native bool, why string) {
	if t != nil {
		t.native, t.nativeWhy = native, why
	}
}

func (t *tracing) set(place, by string) {
	for other := range t.by {
		if strings.HasPrefix(other, place+placeSeparator) {
			delete(t.by, other)
		}
	}
	t.by[place] = by
}

// value notes the differences of one value.
func (t *tracing) value(place, field string, was, is any, by string) {
	if equal(was, is) {
		return
	}
	a, b := children(field, was), children(field, is)
	if a == nil || b == nil {
		t.set(place, by)
		return
	}
	for _, child := range b.list {
		at := place + placeSeparator + child.id
		if before, had := a.of[child.id]; had {
			t.value(at, child.field, before.value, child.value, by)
			continue
		}
		t.set(at, by)
	}
	for _, child := range a.list {
		if _, has := b.of[child.id]; !has {
			t.set(place+placeSeparator+child.id, by)
		}
	}
}

// finish makes origins of what was noted, for what differs between the pod as it
// was sent and as it is now.
func (t *tracing) finish(sent, merged object) {
	if t != nil {
		t.origins = nil
		t.compare(places{}, "", sent, merged, byReinjection)
	}
}

// places are one place: in what was noted, and as pointers into both pods.
type places struct{ noted, before, after string }

func (p places) child(was, is *child) places {
	out := p
	if was != nil {
		out.noted, out.before = p.noted+placeSeparator+was.id, pointer(p.before, was.token)
	}
	if is != nil {
		out.noted, out.after = p.noted+placeSeparator+is.id, pointer(p.after, is.token)
	}
	return out
}

// compare emits the origins of all that differs; inherited is whose the value is
// where nothing was noted of it.
func (t *tracing) compare(at places, field string, was, is any, inherited string) {
	if noted, ok := t.by[at.noted]; ok {
		inherited = noted
	}
	if equal(was, is) {
		return
	}
	a, b := children(field, was), children(field, is)
	if a == nil || b == nil {
		t.emit(at.after, inherited, "replace")
		t.deeper(at, field, is, inherited, "replace")
		return
	}
	for i := range b.list {
		is := &b.list[i]
		if before, had := a.of[is.id]; had {
			t.compare(at.child(before, is), is.field, before.value, is.value, inherited)
			continue
		}
		place := at.child(nil, is)
		by := t.noted(place, inherited)
		t.emit(place.after, by, "add")
		t.deeper(place, is.field, is.value, by, "add")
	}
	for i := range a.list {
		if was := &a.list[i]; b.of[was.id] == nil {
			place := at.child(was, nil)
			t.emit(place.before, t.noted(place, inherited), "remove")
		}
	}
}

func (t *tracing) noted(at places, inherited string) string {
	if by, ok := t.by[at.noted]; ok {
		return by
	}
	return inherited
}

// deeper emits what in an added value somebody else has set.
func (t *tracing) deeper(at places, field string, value any, by, op string) {
	within := children(field, value)
	if within == nil {
		return
	}
	for i := range within.list {
		child := &within.list[i]
		place := at.child(nil, child)
		own := t.noted(place, by)
		if own != by {
			t.emit(place.after, own, op)
		}
		t.deeper(place, child.field, child.value, own, op)
	}
}

func (t *tracing) emit(path, by, op string) {
	t.origins = append(t.origins, Origin{Path: path, By: by, Op: op})
}

// A child is a field of an object, or an element of a list whose elements have
// names.
type child struct {
	// id tells it from the others, token is its part of a JSON Pointer, and field
	// the name that says how its own value is merged.
	id, token, field string
	value            any
}

type family struct {
	list []child
	of   map[string]*child
}

// children are the parts that a value is compared by; nil for a value that is one
// as a whole: a text, a number, a list without names, or one where two share one.
func children(field string, value any) *family {
	f := &family{of: map[string]*child{}}
	switch value := value.(type) {
	case object:
		for _, name := range sortedKeys(value) {
			f.list = append(f.list, child{id: name, token: name, field: name, value: value[name]})
		}
	case []any:
		key, keyed := listKeys[field]
		if !keyed {
			return nil
		}
		for i, item := range value {
			f.list = append(f.list, child{id: identity(item, key), token: strconv.Itoa(i), value: item})
		}
	default:
		return nil
	}
	for i := range f.list {
		if _, twice := f.of[f.list[i].id]; twice {
			return nil
		}
		f.of[f.list[i].id] = &f.list[i]
	}
	return f
}
