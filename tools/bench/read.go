package main

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A table has the results of all rounds. The zero value is empty.
type table struct {
	// machine is what Go says of it, in its words.
	machine []string
	cases   []*comparison
}

// A comparison is what a line of the table is about: benchmarks that differ in who
// did it and with how many cores.
type comparison struct {
	group, name string
	// by are those who did it, in the order of their first results.
	by []string
	// results has, for each of by, the rounds with each number of cores.
	results map[string]map[int][]result
}

// A result is a line of a benchmark: what was measured, by unit.
type result map[string]float64

// benchmark is a line of "go test -bench" in its parts: the name without the
// number of cores, that, and the measurements.
var benchmark = regexp.MustCompile(`^Benchmark([^/\s]+)/(\S*?)by=(\S+?)(?:-(\d+))?\s+\d+\t(.*)$`)

// read adds the output of a round.
func (t *table) read(output string) error {
	for line := range strings.Lines(output) {
		line = strings.TrimSuffix(line, "\n")
		if strings.HasPrefix(line, "goos: ") || strings.HasPrefix(line, "goarch: ") || strings.HasPrefix(line, "cpu: ") {
			if !slices.Contains(t.machine, line) {
				t.machine = append(t.machine, line)
			}
			continue
		}
		parts := benchmark.FindStringSubmatch(line)
		if parts == nil {
			continue
		}
		cores := 1
		if parts[4] != "" {
			cores, _ = strconv.Atoi(parts[4]) // it is digits
		}
		r, err := measurements(parts[5])
		if err != nil {
			return fmt.Errorf("%q: %w", line, err)
		}
		t.add(parts[1], nameOf(parts[2]), parts[3], cores, r)
	}
	return nil
}

// nameOf makes "values, one, two" of "key=values/key=one/key=two/".
func nameOf(keys string) string {
	var values []string
	for _, part := range strings.Split(strings.TrimSuffix(keys, "/"), "/") {
		_, value, _ := strings.Cut(part, "=")
		values = append(values, value)
	}
	return strings.Join(values, ", ")
}

// measurements reads "12 ns/op	3 allocs/op".
func measurements(text string) (result, error) {
	r := result{}
	fields := strings.Fields(text)
	for i := 0; i+1 < len(fields); i += 2 {
		value, err := strconv.ParseFloat(fields[i], 64)
		if err != nil {
			return nil, err
		}
		r[fields[i+1]] = value
	}
	return r, nil
}

// add adds a result where it belongs.
func (t *table) add(group, name, by string, cores int, r result) {
	i := slices.IndexFunc(t.cases, func(c *comparison) bool { return c.group == group && c.name == name })
	if i < 0 {
		i = len(t.cases)
		t.cases = append(t.cases, &comparison{group: group, name: name, results: map[string]map[int][]result{}})
	}
	c := t.cases[i]
	if c.results[by] == nil {
		c.by = append(c.by, by)
		c.results[by] = map[int][]result{}
	}
	c.results[by][cores] = append(c.results[by][cores], r)
}

// median of what was measured in a unit.
func median(rounds []result, unit string) float64 {
	var all []float64
	for _, r := range rounds {
		all = append(all, r[unit])
	}
	return middle(all)
}

// ratio is the median of the ratios of the rounds.
func ratio(over, under []result, unit string) float64 {
	var all []float64
	for i := range min(len(over), len(under)) {
		all = append(all, over[i][unit]/under[i][unit])
	}
	return middle(all)
}

// middle is the median; of an even number it is the mean of the two in the middle.
func middle(all []float64) float64 {
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	half := len(all) / 2
	if len(all)%2 == 1 {
		return all[half]
	}
	return (all[half-1] + all[half]) / 2
}
