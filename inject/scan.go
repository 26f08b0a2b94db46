package inject

import (
	"bytes"
	"unicode/utf8"
)

// A scanner is at an offset of a text that is JSON up to there, and goes over what
// follows, several times as fast as encoding/json, which fuzzing holds it against.
type scanner struct {
	text []byte
	at   int
	// key is where the name of the field that was gone over last begins.
	key int
}

// space goes over white space, and returns what is behind it, 0 at the end.
func (s *scanner) space() byte {
	s.at = skipSpace(s.text, s.at)
	if s.at == len(s.text) {
		return 0
	}
	return s.text[s.at]
}

// ended says whether nothing follows.
func (s *scanner) ended() bool { return skipSpace(s.text, s.at) == len(s.text) }

// value goes over a value.
func (s *scanner) value(depth int) bool {
	switch s.space() {
	case '"':
		return s.string()
	case '{':
		return s.object(depth, nil)
	case '[':
		return s.list(depth, nil)
	case 't':
		return s.word("true")
	case 'f':
		return s.word("false")
	case 'n':
		return s.word("null")
	default:
		return s.number()
	}
}

// object goes over an object. visit, unless it is nil, is called before each value
// with the field's name. It may go over the value itself; where it is false, that is
// the end. Names with escapes, which could be anything, are not for visiting.
func (s *scanner) object(depth int, visit func(name []byte) bool) bool {
	if !s.enter('{', depth) {
		return false
	}
	if s.space() == '}' {
		s.at++
		return true
	}
	for {
		name, ok := s.name()
		if !ok || visit != nil && (bytes.IndexByte(name, '\\') >= 0 || !utf8.Valid(name)) {
			return false
		}
		if !s.element(depth, visit != nil, func() bool { return visit(name) }) {
			return false
		}
		if done, ok := s.next('}'); done || !ok {
			return ok
		}
	}
}

// list goes over a list. visit, unless it is nil, is called before each element, as
// with [scanner.object].
func (s *scanner) list(depth int, visit func() bool) bool {
	if !s.enter('[', depth) {
		return false
	}
	if s.space() == ']' {
		s.at++
		return true
	}
	for {
		if !s.element(depth, visit != nil, visit) {
			return false
		}
		if done, ok := s.next(']'); done || !ok {
			return ok
		}
	}
}

// enter goes over an opening bracket, and gives up at a depth of [maxParsed].
func (s *scanner) enter(bracket byte, depth int) bool {
	if depth >= maxParsed || s.space() != bracket {
		return false
	}
	s.at++
	return true
}

// element goes over one value of an object or a list, unless its visitor does.
func (s *scanner) element(depth int, visited bool, visit func() bool) bool {
	if !visited {
		return s.value(depth + 1)
	}
	s.space()
	from := s.at
	if !visit() {
		return false
	}
	return s.at > from || s.value(depth+1)
}

// next goes over a comma, or over the bracket that ends.
func (s *scanner) next(bracket byte) (done, ok bool) {
	c := s.space()
	if c != ',' && c != bracket {
		return false, false
	}
	s.at++
	return c == bracket, true
}

// name goes over a field's name and the colon.
func (s *scanner) name() ([]byte, bool) {
	if s.space() != '"' {
		return nil, false
	}
	s.key = s.at
	if !s.string() {
		return nil, false
	}
	name := s.text[s.key+1 : s.at-1]
	if s.space() != ':' {
		return nil, false
	}
	s.at++
	return name, true
}

func (s *scanner) word(word string) bool {
	end := s.at + len(word)
	if end > len(s.text) || string(s.text[s.at:end]) != word {
		return false
	}
	s.at = end
	return true
}

// string goes over a string, from its opening quote.
func (s *scanner) string() bool {
	for s.at = plainRun(s.text, s.at+1); s.at < len(s.text); s.at = plainRun(s.text, s.at) {
		switch s.text[s.at] {
		case '"':
			s.at++
			return true
		case '\\':
			if !s.escape() {
				return false
			}
		default:
			return false // a control character
		}
	}
	return false
}

func (s *scanner) escape() bool {
	rest := s.text[s.at+1:]
	if len(rest) == 0 {
		return false
	}
	switch rest[0] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.at += 2
		return true
	case 'u':
		s.at += 6
		return len(rest) >= 5 && isHex(rest[1]) && isHex(rest[2]) && isHex(rest[3]) && isHex(rest[4])
	default:
		return false
	}
}

func (s *scanner) number() bool {
	end := numberEnd(s.text, s.at)
	ok := end > s.at
	s.at = end
	return ok
}

func isHex(c byte) bool { return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'f' }

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

func skipSpace(text []byte, at int) int {
	for at < len(text) && isSpace(text[at]) {
		at++
	}
	return at
}
