package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// What can be compared: the time on the clock, and that of all cores.
const (
	wallTime = "ns/op"
	cpuTime  = "cpu-ns/op"
)

// counts are what is measured besides the time, and what to call it. They do not
// depend on the number of cores, and are taken from the smallest.
var counts = []struct{ unit, title string }{
	{"allocs/op", "allocs"},
	{"operations", "operations"},
	{"patch-bytes", "patch bytes"},
}

// A layout says what is compared, and which columns have something to say.
type layout struct {
	base   string
	faster bool
	// unit is what is compared, in l.unit.
	unit string
	// several says that more than one is compared with the base.
	several bool
	// apart are the units in which the base has numbers of its own.
	apart map[string]bool
}

// layout chooses the columns.
func (t *table) layout(l layout) layout {
	l.apart = map[string]bool{}
	for _, c := range t.cases {
		if c.results[l.base] == nil {
			continue
		}
		l.several = l.several || len(c.by) > 2
		for _, by := range c.by {
			for _, count := range counts {
				if c.count(by, count.unit) != c.count(l.base, count.unit) {
					l.apart[count.unit] = true
				}
			}
		}
	}
	return l
}

// print writes the table: a line for each case and each who is compared with
// base. Who has no base beside it is in a line below.
func (t *table) print(w io.Writer, l layout) error {
	l = t.layout(l)
	var rows [][]string
	var alone []string
	group := ""
	for _, c := range t.cases {
		if c.results[l.base] == nil {
			alone = append(alone, l.alone(c)...)
			continue
		}
		if c.group != group {
			if group != "" {
				rows = append(rows, nil)
			}
			rows = append(rows, l.head(c))
			group = c.group
		}
		for _, by := range c.by {
			if by != l.base {
				rows = append(rows, l.row(c, by))
			}
		}
	}
	if len(rows) == 0 {
		return fmt.Errorf("no benchmark is named by %q and another", l.base)
	}
	write(w, rows)
	fmt.Fprintln(w)
	for _, line := range append(alone, strings.Join(t.machine, ", ")) {
		fmt.Fprintln(w, line)
	}
	return nil
}

// head is the line over the cases of a group.
func (l layout) head(c *comparison) []string {
	head := []string{strings.ToLower(c.group)}
	if l.several {
		head[0] += ", by"
	}
	compared := "× " + l.base
	if l.faster {
		compared = l.base + " ÷"
	}
	for _, cores := range c.cores(l.base) {
		of := ""
		if cores > 1 {
			of = fmt.Sprintf(" (%d cores)", cores)
		}
		head = append(head, l.base+of, l.word()+of, compared)
	}
	for _, count := range counts {
		if l.apart[count.unit] {
			head = append(head, l.base+" "+count.title)
		}
		head = append(head, count.title)
	}
	return head
}

// word is what the unit measures.
func (l layout) word() string {
	if l.unit == cpuTime {
		return "CPU time"
	}
	return "time"
}

// row is a case as done by one, beside the base.
func (l layout) row(c *comparison, by string) []string {
	row := []string{c.name}
	if l.several {
		row[0] += ", " + by
	}
	for _, cores := range c.cores(l.base) {
		theirs, ours := c.results[l.base][cores], c.results[by][cores]
		over, under := ours, theirs
		if l.faster {
			over, under = theirs, ours
		}
		row = append(row, duration(median(theirs, l.unit)), duration(median(ours, l.unit)),
			fmt.Sprintf("%.2f", ratio(over, under, l.unit)))
	}
	for _, count := range counts {
		if l.apart[count.unit] {
			row = append(row, thousands(c.count(l.base, count.unit)))
		}
		row = append(row, thousands(c.count(by, count.unit)))
	}
	return row
}

// alone are lines about those whom nothing is compared with.
func (l layout) alone(c *comparison) []string {
	var lines []string
	for _, by := range c.by {
		for _, cores := range c.cores(by) {
			lines = append(lines, fmt.Sprintf("%s by %s (%s; cores: %d): %s, %s allocs", strings.ToLower(c.group), by, c.name, cores,
				duration(median(c.results[by][cores], l.unit)), thousands(c.count(by, "allocs/op"))))
		}
	}
	return lines
}

// cores are the numbers of cores that somebody's results were made with.
func (c *comparison) cores(by string) []int { return slices.Sorted(maps.Keys(c.results[by])) }

// count is what was counted for one in a unit.
func (c *comparison) count(by, unit string) float64 {
	return median(c.results[by][c.cores(by)[0]], unit)
}

// duration is a time in microseconds, with three digits at least.
func duration(ns float64) string {
	switch us := ns / 1000; {
	case us < 10:
		return fmt.Sprintf("%.2f µs", us)
	case us < 100:
		return fmt.Sprintf("%.1f µs", us)
	default:
		return thousands(us) + " µs"
	}
}

// thousands is a whole number with commas.
func thousands(x float64) string {
	digits := fmt.Sprintf("%.0f", x)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// write writes rows in columns, the first to the left and numbers to the right. A
// nil row is an empty line.
func write(w io.Writer, rows [][]string) {
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if i == 0 {
				line.WriteString(cell + pad)
				continue
			}
			line.WriteString("  " + pad + cell)
		}
		fmt.Fprintln(w, line.String())
	}
}
