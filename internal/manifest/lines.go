package manifest

import (
	"slices"
	"sort"
	"strings"

	"github.com/aymanbagabas/go-udiff"
)

// Diff is the unified diff of two texts, with three lines around each change; ""
// for two that are the same.
func Diff(from, to, before, after string) (string, error) {
	return udiff.ToUnified(from, to, before, LineEdits(before, after), 3)
}

// LineEdits turn one text into another, whole lines at a time. Lines that occur
// once in both are what the rest is found by (patience diff): in a manifest of
// many workloads, to which the same is added again and again, names and images
// keep each workload together, where a shortest diff would have one end in the
// middle of the next.
func LineEdits(before, after string) []udiff.Edit {
	d := &lineDiff{a: slices.Collect(strings.Lines(before)), b: slices.Collect(strings.Lines(after))}
	d.offsets = make([]int, len(d.a)+1)
	for i, line := range d.a {
		d.offsets[i+1] = d.offsets[i] + len(line)
	}
	d.compare(0, len(d.a), 0, len(d.b))
	return d.edits
}

type lineDiff struct {
	a, b    []string
	offsets []int // where each line of a begins
	edits   []udiff.Edit
}

// compare adds the edits that turn the lines [a, aEnd) into [b, bEnd).
func (d *lineDiff) compare(a, aEnd, b, bEnd int) {
	for a < aEnd && b < bEnd && d.a[a] == d.b[b] {
		a, b = a+1, b+1
	}
	for a < aEnd && b < bEnd && d.a[aEnd-1] == d.b[bEnd-1] {
		aEnd, bEnd = aEnd-1, bEnd-1
	}
	if a == aEnd && b == bEnd {
		return
	}
	anchors := d.anchors(a, aEnd, b, bEnd)
	if len(anchors) == 0 {
		before, after := strings.Join(d.a[a:aEnd], ""), strings.Join(d.b[b:bEnd], "")
		for _, edit := range udiff.Lines(before, after) {
			edit.Start, edit.End = edit.Start+d.offsets[a], edit.End+d.offsets[a]
			d.edits = append(d.edits, edit)
		}
		return
	}
	for _, anchor := range anchors {
		d.compare(a, anchor[0], b, anchor[1])
		a, b = anchor[0]+1, anchor[1]+1
	}
	d.compare(a, aEnd, b, bEnd)
}

// anchors are the places, in a and in b, of lines that occur once in each
// range; as many as there are in the same order in both.
func (d *lineDiff) anchors(a, aEnd, b, bEnd int) [][2]int {
	once := map[string]int{} // the place in b; -1 where there are several
	for i := b; i < bEnd; i++ {
		if _, seen := once[d.b[i]]; seen {
			once[d.b[i]] = -1
			continue
		}
		once[d.b[i]] = i
	}
	inA := map[string]int{}
	for _, line := range d.a[a:aEnd] {
		inA[line]++
	}
	var pairs [][2]int
	for i := a; i < aEnd; i++ {
		if at, ok := once[d.a[i]]; ok && at >= 0 && inA[d.a[i]] == 1 {
			pairs = append(pairs, [2]int{i, at})
		}
	}
	return increasing(pairs)
}

// increasing is the longest run of pairs whose second numbers increase, as
// their first ones do.
func increasing(pairs [][2]int) [][2]int {
	var tops []int // the pair that ends the best run of each length
	before := make([]int, len(pairs))
	for i, pair := range pairs {
		at := sort.Search(len(tops), func(k int) bool { return pairs[tops[k]][1] >= pair[1] })
		before[i] = -1
		if at > 0 {
			before[i] = tops[at-1]
		}
		if at == len(tops) {
			tops = append(tops, i)
		}
		tops[at] = i
	}
	if len(tops) == 0 {
		return nil
	}
	var run [][2]int
	for i := tops[len(tops)-1]; i >= 0; i = before[i] {
		run = append(run, pairs[i])
	}
	slices.Reverse(run)
	return run
}
