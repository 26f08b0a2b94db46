package inject

import (
	"encoding/json"
	"math/bits"
)

// Valid says whether a text is one JSON value and nothing else: [json.Valid], in a
// fraction of its time. Fuzzing holds the one against the other.
func Valid(text []byte) bool {
	v := validator{text: text}
	ok := v.value(0)
	if v.deep {
		return json.Valid(text)
	}
	return ok && skipSpace(text, v.at) == len(text)
}

// A validator is at an offset of a text that is JSON up to there.
type validator struct {
	text []byte
	at   int
	// deep says that it gave up at a depth of [maxParsed].
	deep bool
}

// space goes over white space, and returns what is behind it, 0 at the end.
func (v *validator) space() byte {
	v.at = skipSpace(v.text, v.at)
	if v.at == len(v.text) {
		return 0
	}
	return v.text[v.at]
}

func (v *validator) value(depth int) bool {
	if depth > maxParsed {
		v.deep = true
		return false
	}
	switch v.space() {
	case '"':
		return v.string()
	case '{':
		return v.members(depth)
	case '[':
		return v.elements(depth)
	case 't':
		return v.word("true")
	case 'f':
		return v.word("false")
	case 'n':
		return v.word("null")
	default:
		return v.number()
	}
}

func (v *validator) members(depth int) bool {
	v.at++
	if v.space() == '}' {
		v.at++
		return true
	}
	for {
		if v.space() != '"' || !v.string() || v.space() != ':' {
			return false
		}
		v.at++
		if !v.value(depth + 1) {
			return false
		}
		switch v.space() {
		case ',':
			v.at++
		case '}':
			v.at++
			return true
		default:
			return false
		}
	}
}

func (v *validator) elements(depth int) bool {
	v.at++
	if v.space() == ']' {
		v.at++
		return true
	}
	for v.value(depth + 1) {
		switch v.space() {
		case ',':
			v.at++
		case ']':
			v.at++
			return true
		default:
			return false
		}
	}
	return false
}

func (v *validator) word(word string) bool {
	end := v.at + len(word)
	if end > len(v.text) || string(v.text[v.at:end]) != word {
		return false
	}
	v.at = end
	return true
}

// string goes over a string, from its opening quote.
func (v *validator) string() bool {
	for v.at = plainRun(v.text, v.at+1); v.at < len(v.text); v.at = plainRun(v.text, v.at) {
		switch v.text[v.at] {
		case '"':
			v.at++
			return true
		case '\\':
			if !v.escape() {
				return false
			}
		default:
			return false // a control character
		}
	}
	return false
}

func (v *validator) escape() bool {
	rest := v.text[v.at+1:]
	if len(rest) == 0 {
		return false
	}
	switch rest[0] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		v.at += 2
		return true
	case 'u':
		v.at += 6
		return len(rest) >= 5 && isHex(rest[1]) && isHex(rest[2]) && isHex(rest[3]) && isHex(rest[4])
	default:
		return false
	}
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'f'
}

func (v *validator) number() bool {
	end := numberEnd(v.text, v.at)
	ok := end > v.at
	v.at = end
	return ok
}

// numberEnd is the offset behind the number that starts at an offset; that offset
// where there is none.
func numberEnd[T string | []byte](text T, from int) int {
	at := from
	one := func(set string) bool {
		for i := range len(set) {
			if at < len(text) && text[at] == set[i] {
				at++
				return true
			}
		}
		return false
	}
	many := func() bool {
		start := at
		for at < len(text) && text[at] >= '0' && text[at] <= '9' {
			at++
		}
		return at > start
	}
	one("-")
	if !one("0") && !many() {
		return from
	}
	if one(".") && !many() {
		return from
	}
	if one("eE") {
		one("+-")
		if !many() {
			return from
		}
	}
	return at
}

const (
	everyByte = 0x0101010101010101
	highBits  = 0x80 * everyByte
)

// plainRun is the offset, from one on, of the first character of a string that is
// not for itself: a quote, a backslash or a control character; the text's length
// where none is. It looks at eight bytes at a time.
func plainRun[T string | []byte](text T, at int) int {
	for ; at+8 <= len(text); at += 8 {
		word := eightBytes(text[at : at+8])
		if special := zeroBytes(word^'"'*everyByte) | zeroBytes(word^'\\'*everyByte) | (word-' '*everyByte)&^word&highBits; special != 0 {
			return at + bits.TrailingZeros64(special)/8
		}
	}
	for at < len(text) && text[at] != '"' && text[at] != '\\' && text[at] >= ' ' {
		at++
	}
	return at
}

// eightBytes is one load: the compiler knows this pattern.
func eightBytes[T string | []byte](t T) uint64 {
	return uint64(t[0]) | uint64(t[1])<<8 | uint64(t[2])<<16 | uint64(t[3])<<24 |
		uint64(t[4])<<32 | uint64(t[5])<<40 | uint64(t[6])<<48 | uint64(t[7])<<56
}

// zeroBytes has the high bit of every byte of word that is zero, and maybe of some
// above the lowest of them.
func zeroBytes(word uint64) uint64 { return (word - everyByte) &^ word & highBits }
