package main

import (
	"slices"
	"testing"
)

func TestReadTargets(t *testing.T) {
	got := readTargets("FuzzA\nFuzzB\nok  \tm/a\t0.01s\nok  \tm/none\t(cached)\n?   \tm/b\t[no test files]\nFuzzC\nok  \tm/c\t(cached)\n")
	want := []target{{"m/a", "FuzzA"}, {"m/a", "FuzzB"}, {"m/c", "FuzzC"}}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
