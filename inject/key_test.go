package inject_test

import (
	"slices"
	"strings"
	"testing"

	"outrigger.dev/outrigger/inject"
)

func TestKeysAreSortedAndWhole(t *testing.T) {
	keys := inject.Keys()
	if !slices.IsSortedFunc(keys, func(a, b inject.Key) int { return strings.Compare(a.Name, b.Name) }) {
		t.Error("the table of keys is not sorted by name")
	}
	for _, k := range keys {
		if len(k.On) == 0 || k.Values == "" || k.Default == "" || k.Effect == "" {
			t.Errorf("%s: something is not said: %+v", k.Name, k)
		}
		if got, ok := inject.LookupKey(k.Name); !ok || got.Name != k.Name {
			t.Errorf("%s is not found", k.Name)
		}
	}
}
