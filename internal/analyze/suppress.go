package analyze

import (
	"fmt"
	"regexp"
	"strings"
)

// A Suppression says of which findings nobody wants to hear.
type Suppression struct{ code, object *regexp.Regexp }

// ParseSuppression reads "CODE=Kind namespace/name", or "CODE=Kind name" for what has no
// namespace. A * stands for any text, a ? for a character: "OUT0406=Deployment shop/*",
// "OUT04*=* batch/*".
func ParseSuppression(text string) (Suppression, error) {
	code, object, ok := strings.Cut(text, "=")
	kind, name, both := strings.Cut(object, " ")
	if !ok || !both || code == "" || kind == "" || strings.TrimSpace(name) == "" {
		return Suppression{}, fmt.Errorf(`%q: want CODE=Kind namespace/name, as in "OUT0406=Deployment shop/*"`, text)
	}
	s := Suppression{glob(code), glob(object)}
	for _, a := range analyzers {
		if s.code.MatchString(a.Code) {
			return s, nil
		}
	}
	return Suppression{}, fmt.Errorf("%q: no finding has the code %s; --list-analyzers lists them", text, code)
}

// glob is a text with * and ? as an expression for a whole text.
func glob(text string) *regexp.Regexp {
	escaped := strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(regexp.QuoteMeta(text))
	return regexp.MustCompile("^" + escaped + "$")
}

// Suppresses says whether a finding is one of them.
func (s Suppression) Suppresses(f Finding) bool {
	return s.code.MatchString(f.Code) && s.object.MatchString(f.Object.Identity())
}
