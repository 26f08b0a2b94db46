package inject

import "math/bits"

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
