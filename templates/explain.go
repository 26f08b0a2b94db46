package templates

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"text/template"
)

// parseName is the name that every text is parsed under, so that errors can be
// taken apart whatever the template's own name is.
const parseName = "t"

// place is where text/template's errors say that they happened: line, column,
// the defined template, the expression. While it parses, only the line is there.
var place = regexp.MustCompile(`(?s)^template: ` + parseName + `:(\d+)(?::\d+: executing "(?:[^"\\]|\\.)*" at <(.*?)>)?: `)

// sayings are text/template's words for what goes wrong, and ours.
var sayings = []struct {
	theirs *regexp.Regexp
	ours   string
}{
	{regexp.MustCompile(`^nil pointer evaluating .*\.(\w+)$`), "nothing to take $1 from: what comes before it is not set"},
	{regexp.MustCompile(`^can't evaluate field (\w+) in type (.+)$`), "no field $1 in $2"},
	{regexp.MustCompile(`^wrong type for value; expected (.+); got (.+)$`), "$2 where $1 is wanted"},
	{regexp.MustCompile(`^invalid value; expected (.+)$`), "no value where $1 is wanted"},
	{regexp.MustCompile(`\binterface ?\{\}`), "any"},
	{regexp.MustCompile(`\*?templates\.Data\b`), "a template's data"},
	{regexp.MustCompile(`\b` + parseName + `:(\d+)`), "line $1"},
}

// calling is how text/template begins where a function returned the error.
var calling = regexp.MustCompile(`^error calling (\w+): `)

// added is what rewriting added to an expression, or all of it.
var added = regexp.MustCompile(`(^| \| )(` + workFunction + `|` + eachFunction + `|` + showFunction + `)( \d+)?$`)

// explain says what went wrong in the words of somebody who writes templates:
// the line, the expression, the cause.
func explain(err error) error {
	var exec template.ExecError
	if errors.As(err, &exec) {
		err = exec.Err
	}
	said := err.Error()
	at := place.FindStringSubmatch(said)
	if at == nil {
		return err
	}
	expression, cause := excerpt(added.ReplaceAllString(at[2], "")), said[len(at[0]):]
	for _, saying := range sayings {
		cause = saying.theirs.ReplaceAllString(cause, saying.ours)
	}
	if call := calling.FindStringSubmatch(cause); call != nil {
		cause = cause[len(call[0]):]
		if expression == "" && !strings.HasPrefix(call[1], "_") {
			expression = call[1]
		}
	}
	if expression == "" {
		return fmt.Errorf("line %s: %s", at[1], cause)
	}
	return fmt.Errorf("line %s: %s: %s", at[1], expression, cause)
}

// excerpt is the beginning of an expression, enough to find it by.
func excerpt(expression string) string {
	const enough = 60
	line, _, _ := strings.Cut(expression, "\n")
	if runes := []rune(line); len(runes) > enough {
		return string(runes[:enough]) + "…"
	}
	return line
}
