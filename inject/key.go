package inject

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	istioannotation "istio.io/api/annotation"
	istiolabel "istio.io/api/label"
)

// A Place is what a key is written on.
type Place string

// The places that injection reads keys from, and the one that it writes to.
const (
	OnPodLabel            Place = "pod label"
	OnPodAnnotation       Place = "pod annotation"
	OnNamespaceLabel      Place = "namespace label"
	OnNamespaceAnnotation Place = "namespace annotation"
	Written               Place = "written on injected pods"
)

// A Key is a label or an annotation that injection reads or writes. [Keys] has
// them all: values are checked by this table, unknown keys are found by it, and
// the documentation is made from it.
type Key struct {
	// Name is the whole key: "sidecar.istio.io/inject".
	Name string
	// On are the places where it is read, or Written.
	On []Place
	// Values is what it may say, for people.
	Values string
	// Default is what holds without it, for people.
	Default string
	// Effect is what it does, a clause without a subject.
	Effect string
	// Instead is what to write in place of a key that is deprecated.
	Instead string

	// deny refuses the pod for a value that would make the proxy do something
	// else than its author wants, or end the quotes that it is pasted between.
	deny func(value string) error
	// ignore has a value count as absent, with a warning.
	ignore func(value string) error
	// spell is the value as templates see it, where that is not as it is written.
	spell func(value string) string
}

// Denied says whether a bad value of this key refuses the pod.
func (k Key) Denied() bool { return k.deny != nil }

// Keys are all keys that injection reads or writes, by name.
func Keys() []Key { return slices.Clone(keys) }

// KnownKeys are the names of the keys that injection reads or writes, and of those that
// Istio has for other purposes, sorted.
func KnownKeys() []string {
	names := slices.Collect(maps.Keys(others))
	for _, k := range keys {
		names = append(names, k.Name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// LookupKey finds a key by its whole name.
func LookupKey(name string) (Key, bool) {
	at, ok := slices.BinarySearchFunc(keys, name, func(k Key, name string) int { return strings.Compare(k.Name, name) })
	if !ok {
		return Key{}, false
	}
	return keys[at], true
}

// others are the names of Istio's keys that have nothing to do with injection.
var others = func() map[string]bool {
	out := map[string]bool{}
	for _, a := range istioannotation.AllResourceAnnotations() {
		out[a.Name] = true
	}
	for _, l := range istiolabel.AllResourceLabels() {
		out[l.Name] = true
	}
	return out
}()

// unknownKey says, for a key under Istio's or our prefixes that nobody reads,
// what its author may have meant; "" for every other key.
func unknownKey(name string) string {
	prefix, _, ok := strings.Cut(name, "/")
	if !ok || prefix != "istio.io" && !strings.HasSuffix(prefix, ".istio.io") && prefix+"/" != Prefix {
		return ""
	}
	if _, known := LookupKey(name); known || others[name] {
		return ""
	}
	if near := NearestKey(name); near != "" {
		return fmt.Sprintf("%s is unknown: did you mean %s?", short(name), near)
	}
	return fmt.Sprintf("%s is unknown and has no effect", short(name))
}

// NearestKey is the known key that a name was most likely meant to be: few
// letters apart, or the same word under another prefix. "" where none is near.
func NearestKey(name string) string {
	best, distance := "", 4
	_, word, _ := strings.Cut(name, "/")
	for _, k := range keys {
		d := EditDistance(name, k.Name, distance)
		if _, w, _ := strings.Cut(k.Name, "/"); strings.EqualFold(w, word) && d > 3 {
			d = 3
		}
		if d < distance {
			best, distance = k.Name, d
		}
	}
	return best
}

// EditDistance is how many letters have to be changed, added or dropped to get
// from a to b (Levenshtein); anything from most on counts as most.
func EditDistance(a, b string, most int) int {
	if d := len(a) - len(b); d >= most || -d >= most {
		return most
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return min(row[len(b)], most)
}
