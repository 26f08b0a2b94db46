package templates

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// textFunctions are sprig's and Istio's functions over strings that can make
// much out of little: they pay for the result before they make it.
func textFunctions() map[string]function {
	return map[string]function{
		"repeat":    func(m *meter) any { return m.repeat },
		"replace":   func(m *meter) any { return m.replace },
		"join":      metered(join, product(0, 1), plain(1)),
		"indent":    func(m *meter) any { return m.indent },
		"quote":     func(m *meter) any { return m.quote },
		"toLower":   metered(strings.ToLower),
		"contains":  metered(func(needle, haystack string) bool { return strings.Contains(haystack, needle) }),
		"directory": metered(directory),
	}
}

func (m *meter) repeat(count int, s string) (string, error) {
	if count < 0 {
		return "", fmt.Errorf("%d times, want 0 or more", count)
	}
	if err := m.spend(times(count, len(s))); err != nil {
		return "", err
	}
	return strings.Repeat(s, count), nil
}

func (m *meter) replace(old, replacement, s string) (string, error) {
	if err := m.spend(len(old) + len(s) + times(strings.Count(s, old), len(replacement))); err != nil {
		return "", err
	}
	return strings.ReplaceAll(s, old, replacement), nil
}

// join is sprig's: a list's elements as strings, with a separator between.
func join(separator string, list any) string {
	return strings.Join(texts(list), separator)
}

// texts are a list's elements as strings, those that are nil left out; any other
// value is the only element. The result is the caller's.
func texts(list any) []string {
	v := reflect.ValueOf(list)
	switch v.Kind() {
	case reflect.Invalid:
		return nil
	case reflect.Slice, reflect.Array:
		all := make([]string, 0, v.Len())
		for i := range v.Len() {
			if element := v.Index(i).Interface(); element != nil {
				all = append(all, text(element))
			}
		}
		return all
	default:
		return []string{text(list)}
	}
}

// text is a value as sprig writes it.
func text(value any) string {
	switch value := value.(type) {
	case string:
		return value
	case []byte:
		return string(value)
	case error:
		return value.Error()
	default:
		return fmt.Sprint(value)
	}
}

// indent is Istio's: every line but the first is indented. (sprig's indents the
// first as well.)
func (m *meter) indent(spaces int, s string) (string, error) {
	if spaces < 0 {
		return "", fmt.Errorf("%d spaces, want 0 or more", spaces)
	}
	if err := m.spend(len(s) + indentation(spaces, s)); err != nil {
		return "", err
	}
	return strings.ReplaceAll(s, "\n", "\n"+strings.Repeat(" ", spaces)), nil
}

// indentation is how many bytes indenting every line of a text takes.
func indentation(spaces int, s string) int { return times(spaces, 1+strings.Count(s, "\n")) }

// quote is sprig's: each value that is not nil as a quoted string, which YAML
// reads as well.
func (m *meter) quote(values ...any) (string, error) {
	var quoted strings.Builder
	for _, value := range values {
		if value == nil {
			continue
		}
		if err := m.weighText(reflect.ValueOf(value)); err != nil {
			return "", err
		}
		if quoted.Len() > 0 {
			quoted.WriteByte(' ')
		}
		quoted.WriteString(strconv.Quote(text(value)))
	}
	return quoted.String(), m.spend(quoted.Len())
}

// directory is a path's part up to the last slash, which stays.
func directory(path string) string {
	return path[:strings.LastIndexByte(path, '/')+1]
}
