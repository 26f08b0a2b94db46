package inject

import (
	"bytes"
	"encoding/json"
	"errors"
	"unicode/utf8"
)

// Fields are what is wanted of a JSON object: by a field's name the pointer that
// its value is read into, or the Fields of the object that it is. Into a
// *json.RawMessage goes the value's text, which shares memory with the whole.
type Fields map[string]any

// ReadFields reads some fields of a JSON object and no more of the rest than where
// it ends. It is for JSON that is known to be some, and false where a field is of
// another type, or where text is not written as JSON's writers write it: with
// escapes in names, or a field twice. Then what was read so far is of no use. A
// field that is not there leaves what it would be read into. Names count by their
// case.
func ReadFields(text []byte, into Fields) bool {
	ok := true
	names := make([]string, 0, len(into))
	err := members(text, 0, func(f member) bool {
		target, wanted := into[f.name]
		if !wanted {
			return true
		}
		for _, name := range names {
			ok = ok && name != f.name
		}
		names = append(names, f.name)
		ok = ok && readField(text[f.value:f.end], target)
		return ok
	})
	return ok && err == nil
}

func readField(value []byte, target any) bool {
	switch target := target.(type) {
	case Fields:
		return ReadFields(value, target)
	case *json.RawMessage:
		*target = value
		return true
	case *string:
		if s, ok := plainText(value); ok {
			*target = s
			return true
		}
	case *map[string]string:
		m := map[string]string{}
		plain := true
		err := members(value, 0, func(f member) bool {
			m[f.name], plain = plainText(value[f.value:f.end])
			return plain
		})
		if plain && err == nil {
			*target = m
			return true
		}
	}
	return decodeTyped(value, target) == nil
}

// plainText is a string that stands in JSON as it is.
func plainText(value []byte) (string, bool) {
	if len(value) < 2 || value[0] != '"' || bytes.IndexByte(value, '\\') >= 0 || !utf8.Valid(value) {
		return "", false
	}
	return string(value[1 : len(value)-1]), true
}

// A member is where an object's field is in a text of JSON: from its name's
// opening quote to behind its value.
type member struct {
	name            string
	key, value, end int
}

// errScan says that a text is not written as JSON's writers write it.
var errScan = errors.New("no plain JSON object")

// members goes through the fields of the object at an offset, as long as visit is
// true. It reads no more of a value than where it ends, and is for JSON that is
// known to be some: of other texts, and of names with escapes in them, it returns
// an error, which may be after some visits.
func members(text []byte, offset int, visit func(member) bool) error {
	at := skipSpace(text, offset)
	if at >= len(text) || text[at] != '{' {
		return errScan
	}
	if at = skipSpace(text, at+1); at < len(text) && text[at] == '}' {
		return nil
	}
	for {
		key := skipSpace(text, at)
		if key >= len(text) || text[key] != '"' {
			return errScan
		}
		end := skipString(text, key)
		colon := skipSpace(text, end)
		if colon >= len(text) || text[colon] != ':' {
			return errScan
		}
		name := text[key+1 : end-1]
		if bytes.IndexByte(name, '\\') >= 0 || !utf8.Valid(name) {
			return errScan
		}
		f := member{name: string(name), key: key, value: skipSpace(text, colon+1)}
		if f.end = skipValue(text, f.value); f.end < 0 {
			return errScan
		}
		if !visit(f) {
			return nil
		}
		if at = skipSpace(text, f.end); at >= len(text) {
			return errScan
		}
		switch text[at] {
		case '}':
			return nil
		case ',':
			at++
		default:
			return errScan
		}
	}
}

// elements goes through the elements of the list at an offset, as [members] goes
// through fields: visit is called with where each begins.
func elements(text []byte, offset int, visit func(from int) bool) error {
	at := skipSpace(text, offset)
	if at >= len(text) || text[at] != '[' {
		return errScan
	}
	if at = skipSpace(text, at+1); at < len(text) && text[at] == ']' {
		return nil
	}
	for {
		from := skipSpace(text, at)
		end := skipValue(text, from)
		if end < 0 {
			return errScan
		}
		if !visit(from) {
			return nil
		}
		if at = skipSpace(text, end); at >= len(text) {
			return errScan
		}
		switch text[at] {
		case ']':
			return nil
		case ',':
			at++
		default:
			return errScan
		}
	}
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

func skipSpace(text []byte, at int) int {
	for at < len(text) && isSpace(text[at]) {
		at++
	}
	return at
}

// skipString is the offset behind the string that starts at an offset.
func skipString(text []byte, at int) int {
	for at = plainRun(text, at+1); at < len(text); at = plainRun(text, at) {
		switch text[at] {
		case '"':
			return at + 1
		case '\\':
			at += 2
		default:
			at++
		}
	}
	return len(text)
}

// skipValue is the offset behind the value that starts at an offset; -1 where the
// text ends before.
func skipValue(text []byte, at int) int {
	for depth := 0; at < len(text); {
		switch text[at] {
		case '"':
			at = skipString(text, at)
			if depth == 0 {
				return at
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return at // behind a number or a word
			}
			if depth--; depth == 0 {
				return at + 1
			}
		case ',', ' ', '\n', '\t', '\r':
			if depth == 0 {
				return at
			}
		}
		at++
	}
	return -1
}
