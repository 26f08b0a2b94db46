package inject_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"outrigger.dev/outrigger/inject"
)

// FuzzPatchRoundTrip: whatever the two pods, the patch from one to the other
// applies with the API server's own library and gives the other, and is the same
// patch each time. What the proof of a patch takes for its outcome is what that
// library makes of it, on any other pod as well.
func FuzzPatchRoundTrip(f *testing.F) {
	for _, seed := range seeds() {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, entropy []byte) {
		s := source(entropy)
		before, after := s.pod(false), s.pod(false)
		if s.maybe() {
			merged, err := inject.Merge(copyTree(before), after)
			if err != nil {
				t.Fatal(err)
			}
			after = merged
		}
		raw, err := json.Marshal(before)
		if err != nil {
			t.Fatal(err)
		}
		ops := inject.Patch(before, after)
		applied, err := inject.Apply(raw, ops)
		if err != nil {
			t.Fatalf("%s\n%v: %v", raw, ops, err)
		}
		if diff := cmp.Diff(copyTree(after), readTree(applied)); diff != "" {
			t.Errorf("%s\n%v\n-want +got\n%s", raw, ops, diff)
		}
		if diff := cmp.Diff(ops, inject.Patch(before, after)); diff != "" {
			t.Errorf("another patch for the same pods\n%s", diff)
		}
		for _, tree := range []map[string]any{before, after, s.pod(false)} {
			proofHolds(t, tree, ops)
		}
	})
}

// proofHolds applies a patch to the tree of a pod and to its text. The tree may
// refuse where the text does not, and never the other way round.
func proofHolds(t *testing.T, pod map[string]any, ops []inject.Operation) {
	t.Helper()
	raw, err := json.Marshal(pod)
	if err != nil {
		t.Fatal(err)
	}
	got, err := inject.Applied(readTree(raw), ops)
	if err != nil {
		return
	}
	want, err := inject.Apply(raw, ops)
	if err != nil {
		t.Fatalf("%s\n%v applies to the tree, and not to the text: %v", raw, ops, err)
	}
	if diff := cmp.Diff(readTree(want), copyTree(got)); diff != "" {
		t.Errorf("%s\n%v\n-text +tree\n%s", raw, ops, diff)
	}
}

// FuzzUndo: what a template did to a pod, whatever both are, can be taken back
// exactly by what the record keeps of it.
func FuzzUndo(f *testing.F) {
	for _, seed := range seeds() {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, entropy []byte) {
		s := source(entropy)
		before, overlay := s.pod(false), s.pod(true)
		after, err := inject.Merge(copyTree(before), overlay)
		if err != nil {
			t.Fatal(err)
		}
		got, err := inject.Undone(copyTree(before), after)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(copyTree(before), tree(got)); diff != "" {
			t.Errorf("overlay %v\n-before +taken back\n%s", overlay, diff)
		}
	})
}
