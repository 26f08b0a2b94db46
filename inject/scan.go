package inject

import (
	"bytes"
	"errors"
)

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
		if bytes.IndexByte(name, '\\') >= 0 {
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

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

func skipSpace(text []byte, at int) int {
	for at < len(text) && isSpace(text[at]) {
		at++
	}
	return at
}

// skipString is the offset behind the string that starts at an offset.
func skipString(text []byte, at int) int {
	for at++; at < len(text); at++ {
		switch text[at] {
		case '"':
			return at + 1
		case '\\':
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
