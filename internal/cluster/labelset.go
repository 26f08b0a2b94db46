package cluster

import (
	"slices"
	"strings"
	"unique"
)

// A label of a node. What many nodes have is in memory once.
type label struct {
	key, value unique.Handle[string]
}

// A labelSet is the labels of nodes, sorted by key, in 16 bytes each.
type labelSet []label

// pack makes a set of labels, but for one.
func pack(from map[string]string, but string) labelSet {
	set := make(labelSet, 0, len(from))
	for key, value := range from {
		if key != but {
			set = append(set, label{unique.Make(key), unique.Make(value)})
		}
	}
	slices.SortFunc(set, func(a, b label) int { return strings.Compare(a.key.Value(), b.key.Value()) })
	return set
}

// lookup finds a label by its key.
func (s labelSet) lookup(key string) (string, bool) {
	at, found := slices.BinarySearchFunc(s, key, func(l label, key string) int { return strings.Compare(l.key.Value(), key) })
	if !found {
		return "", false
	}
	return s[at].value.Value(), true
}
