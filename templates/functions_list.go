package templates

import (
	"fmt"
	"slices"
	"strings"
)

// listFunctions are sprig's functions that make lists out of numbers, which here
// are paid for before they are made, and sortAlpha, whose original sorts the
// very list that it is given.
func listFunctions() map[string]function {
	return map[string]function{
		"until":     func(m *meter) any { return m.until },
		"untilStep": func(m *meter) any { return m.untilStep },
		"seq":       func(m *meter) any { return m.seq },
		"sortAlpha": metered(func(list any) []string { return slices.Sorted(slices.Values(texts(list))) }, plain(0)),
	}
}

// until is the numbers from 0 to count, without it, downwards where it is negative.
func (m *meter) until(count int) ([]int, error) {
	if count < 0 {
		return m.untilStep(0, count, -1)
	}
	return m.untilStep(0, count, 1)
}

// untilStep is the numbers from start to stop, without it; none where step leads
// away from stop.
func (m *meter) untilStep(start, stop, step int) ([]int, error) {
	numbers := []int{}
	if step == 0 || (start < stop) != (step > 0) {
		return numbers, nil
	}
	for at := start; at != stop && (at < stop) == (step > 0); at += step {
		if err := m.spend(elementWork); err != nil {
			return nil, err
		}
		numbers = append(numbers, at)
	}
	return numbers, nil
}

// seq is the numbers as the Unix tool prints them, in one line: [FIRST [STEP]] LAST.
func (m *meter) seq(params ...int) (string, error) {
	first, step := 1, 1
	switch len(params) {
	case 1:
	case 2:
		first = params[0]
	case 3:
		first, step = params[0], params[1]
	default:
		return "", nil
	}
	last := params[len(params)-1]
	towards := 1
	if last < first {
		towards = -1
	}
	if len(params) < 3 {
		step = towards
	}
	numbers, err := m.untilStep(first, last+towards, step)
	if err != nil {
		return "", err
	}
	return strings.Trim(fmt.Sprint(numbers), "[]"), nil
}
