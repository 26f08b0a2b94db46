package manifest

import (
	"strings"
	"testing"

	"github.com/aymanbagabas/go-udiff"
	"github.com/google/go-cmp/cmp"
)

func TestLineEdits(t *testing.T) {
	added := strings.Repeat("  same\n", 200)
	cases := map[string]struct {
		before, after string
		want          []udiff.Edit
	}{
		"the same":          {"a\nb\n", "a\nb\n", nil},
		"nothing before":    {"", "a\n", []udiff.Edit{{Start: 0, End: 0, New: "a\n"}}},
		"nothing after":     {"a\n", "", []udiff.Edit{{Start: 0, End: 2}}},
		"a line in between": {"a\nc\n", "a\nb\nc\n", []udiff.Edit{{Start: 2, End: 2, New: "b\n"}}},
		"another last line": {"a\nb", "a\nb\n", []udiff.Edit{{Start: 2, End: 3, New: "b\n"}}},
		"nothing that occurs once": {
			"x\nx\n", "x\ny\nx\ny\nx\n", []udiff.Edit{{Start: 2, End: 2, New: "y\nx\ny\n"}},
		},
		"much of the same added after each name": {
			"- one\n  a\n- two\n  a\n- three\n  a\n",
			"- one\n  a\n" + added + "- two\n  a\n" + added + "- three\n  a\n" + added,
			[]udiff.Edit{{Start: 10, End: 10, New: added}, {Start: 20, End: 20, New: added}, {Start: 32, End: 32, New: added}},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, LineEdits(c.before, c.after)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestIncreasing(t *testing.T) {
	pairs := [][2]int{{0, 2}, {1, 3}, {2, 0}, {3, 4}, {4, 1}}
	want := [][2]int{{0, 2}, {1, 3}, {3, 4}}
	if diff := cmp.Diff(want, increasing(pairs)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// FuzzLineEdits: the edits make of one text the other.
func FuzzLineEdits(f *testing.F) {
	f.Add("a\nb\nc", "c\na\nb\n")
	f.Fuzz(func(t *testing.T, before, after string) {
		// A word a line, so that there are lines to find again.
		before, after = strings.ReplaceAll(before, " ", "\n"), strings.ReplaceAll(after, " ", "\n")
		got, err := udiff.Apply(before, LineEdits(before, after))
		if err != nil || got != after {
			t.Errorf("%q became %q, %v, want %q", before, got, err, after)
		}
	})
}
