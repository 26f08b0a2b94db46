package templates

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
)

// maxPattern is how long a regular expression may be.
const maxPattern = 1000

// stepWork is what making one step of an expression's machine costs: half a
// kilobyte, with all that is thrown away on the way there. Counted repetition
// makes millions of steps out of a few letters.
const stepWork = 512

// matchWork is what a match costs: it is listed where it begins and ends, and then
// once more with what was found.
const matchWork = 4 * elementWork

// regexFunctions are sprig's over regular expressions. A bad expression is an
// error in all of them. They pay for each step of the expression's machine once
// for each byte that it reads: the worst that matching takes.
func regexFunctions() map[string]function {
	all := map[string]function{}
	for name, fn := range map[string]function{
		"Match":             func(m *meter) any { return m.regexMatch },
		"Find":              func(m *meter) any { return m.regexFind },
		"FindAll":           func(m *meter) any { return m.regexFindAll },
		"Split":             func(m *meter) any { return m.regexSplit },
		"ReplaceAll":        func(m *meter) any { return m.regexReplaceAll },
		"ReplaceAllLiteral": func(m *meter) any { return m.regexReplaceAllLiteral },
	} {
		all["regex"+name], all["mustRegex"+name] = fn, fn
	}
	return all
}

// regex compiles a pattern, and pays for that and for matching it against s.
func (m *meter) regex(pattern, s string) (*regexp.Regexp, error) {
	if len(pattern) > maxPattern {
		return nil, fmt.Errorf("a regular expression of %d bytes, want at most %d", len(pattern), maxPattern)
	}
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return nil, err
	}
	if err := m.spend(times(steps(parsed), stepWork+len(s))); err != nil {
		return nil, err
	}
	return regexp.Compile(pattern)
}

// steps is how many steps the machine of an expression has at most.
func steps(re *syntax.Regexp) int {
	n := 2 + len(re.Rune)
	for _, sub := range re.Sub {
		n += steps(sub)
	}
	if re.Op == syntax.OpRepeat {
		return times(n, max(re.Max, re.Min+1))
	}
	return n
}

func (m *meter) regexMatch(pattern, s string) (bool, error) {
	re, err := m.regex(pattern, s)
	if err != nil {
		return false, err
	}
	return re.MatchString(s), nil
}

func (m *meter) regexFind(pattern, s string) (string, error) {
	re, err := m.regex(pattern, s)
	if err != nil {
		return "", err
	}
	return re.FindString(s), nil
}

// regexFindAll returns the first n matches, or all where n is negative.
func (m *meter) regexFindAll(pattern, s string, n int) ([]string, error) {
	re, err := m.regex(pattern, s)
	if err != nil {
		return nil, err
	}
	if err := m.matches(re, s, n, matchWork); err != nil {
		return nil, err
	}
	return re.FindAllString(s, n), nil
}

// regexSplit returns at most n parts, or all where n is negative.
func (m *meter) regexSplit(pattern, s string, n int) ([]string, error) {
	re, err := m.regex(pattern, s)
	if err != nil {
		return nil, err
	}
	if err := m.matches(re, s, n, matchWork); err != nil {
		return nil, err
	}
	return re.Split(s, n), nil
}

// regexReplaceAll replaces every match; $1 in the replacement is what the first
// group matched. Each $ can add no more than s once over all matches.
func (m *meter) regexReplaceAll(pattern, s, replacement string) (string, error) {
	re, err := m.regexReplacing(pattern, s, replacement)
	if err != nil {
		return "", err
	}
	if err := m.spend(times(strings.Count(replacement, "$"), len(s))); err != nil {
		return "", err
	}
	return re.ReplaceAllString(s, replacement), nil
}

func (m *meter) regexReplaceAllLiteral(pattern, s, replacement string) (string, error) {
	re, err := m.regexReplacing(pattern, s, replacement)
	if err != nil {
		return "", err
	}
	return re.ReplaceAllLiteralString(s, replacement), nil
}

// regexReplacing pays for what replacing every match in s makes.
func (m *meter) regexReplacing(pattern, s, replacement string) (*regexp.Regexp, error) {
	re, err := m.regex(pattern, s)
	if err != nil {
		return nil, err
	}
	return re, m.matches(re, s, -1, matchWork+len(replacement))
}

// matches pays for each of the first n matches in s, or of all where n is negative.
// It looks for no more of them than can be paid: the list of all would take much
// more memory than s.
func (m *meter) matches(re *regexp.Regexp, s string, n, work int) error {
	if affordable := m.left/work + 1; n < 0 || n > affordable {
		n = affordable
	}
	return m.spend(times(len(re.FindAllStringIndex(s, n)), work))
}
