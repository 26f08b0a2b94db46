package inject

import (
	"encoding/json"
	"slices"
	"strings"
)

// isName says whether a plain key is a string and nothing else.
func isName(key string) bool {
	for i := range len(key) {
		c := key[i]
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		if !letter && (i == 0 && c != '$' || !strings.ContainsRune("$-._/0123456789", rune(c))) {
			return false
		}
	}
	return !slices.Contains(ambiguous, key)
}

// blockScalar reads a scalar, or JSON, on one line.
func blockScalar(s string) (any, bool) {
	switch c := s[0]; {
	case c == '"':
		return doubleQuoted(s)
	case c == '\'':
		inner := s[1:]
		if inner == "" || !strings.HasSuffix(inner, "'") {
			return nil, false
		}
		inner = strings.ReplaceAll(inner[:len(inner)-1], "''", "\x00")
		return strings.ReplaceAll(inner, "\x00", "'"), !strings.Contains(inner, "'")
	case c == '[' || c == '{':
		return flow(s)
	default:
		return plainScalar(s)
	}
}

// escapes are those that YAML and we agree on without a table of YAML's.
var escapes = strings.NewReplacer(`\\`, `\`, `\"`, `"`, `\n`, "\n", `\t`, "\t", `\r`, "\r")

func doubleQuoted(s string) (any, bool) {
	if len(s) < 2 || s[len(s)-1] != '"' {
		return nil, false
	}
	inner := s[1 : len(s)-1]
	if !strings.ContainsAny(inner, `\"`) {
		return inner, true
	}
	for i := 0; i < len(inner); i++ {
		switch inner[i] {
		case '"':
			return nil, false
		case '\\':
			if i++; i == len(inner) || !strings.ContainsRune(`\"ntr`, rune(inner[i])) {
				return nil, false
			}
		}
	}
	return escapes.Replace(inner), true
}

// flow reads JSON, which YAML's flow style reads alike where no string has an
// escape and every number is a plain one.
func flow(s string) (any, bool) {
	switch s {
	case "{}":
		return object{}, true
	case "[]":
		return []any{}, true
	}
	if strings.Contains(s, `\`) {
		return nil, false
	}
	p := parser{text: s}
	v, ok := p.whole()
	return v, ok && plainNumbers(v)
}

func plainNumbers(v any) bool {
	switch v := v.(type) {
	case object:
		for _, child := range v {
			if !plainNumbers(child) {
				return false
			}
		}
	case []any:
		return !slices.ContainsFunc(v, func(child any) bool { return !plainNumbers(child) })
	case json.Number:
		return isInteger(v.String())
	}
	return true
}

// ambiguous are words that YAML 1.1, or some of its parsers, take for something
// else than a string.
var ambiguous = strings.Fields("y Y yes Yes YES n N no No NO on On ON off Off OFF " +
	"true True TRUE false False FALSE null Null NULL")

// plainScalar reads a scalar without quotes.
func plainScalar(s string) (any, bool) {
	switch s {
	case "true":
		return true, true
	case "false":
		return false, true
	case "null":
		return nil, true
	}
	if isInteger(s) {
		return json.Number(s), true
	}
	more := strings.Contains(s, ": ") || strings.Contains(s, " #") || s[len(s)-1] == ':'
	return s, !more && startsString(s) && !slices.Contains(ambiguous, s)
}

// startsString says whether a scalar without quotes is a string by how it starts:
// a word, a path, a variable, a flag; or a quantity.
func startsString(s string) bool {
	c := s[0]
	switch {
	case c|0x20 >= 'a' && c|0x20 <= 'z', c == '/', c == '$', c == '_':
		return true
	case c == '-':
		flag := strings.TrimLeft(s, "-")
		return len(s)-len(flag) <= 2 && flag != "" && flag[0]|0x20 >= 'a' && flag[0]|0x20 <= 'z'
	case c >= '1' && c <= '9':
		unit := strings.TrimLeft(s, "0123456789")
		return slices.Contains([]string{"m", "Ki", "Mi", "Gi"}, unit)
	}
	return false
}

// isInteger says whether a text is an integer in every notation alike.
func isInteger(s string) bool {
	digits := strings.TrimPrefix(s, "-")
	if digits == "" || len(digits) > 15 || digits[0] == '0' && s != "0" {
		return false
	}
	return strings.Trim(digits, "0123456789") == ""
}
