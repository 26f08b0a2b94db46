package inject

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"unicode/utf8"
)

// decodeObject reads one JSON object and nothing after it.
func decodeObject(raw []byte) (object, error) {
	p := parser{text: string(raw)}
	if v, ok := p.whole(); ok {
		if o, ok := v.(object); ok {
			return o, nil
		}
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var o object
	if err := d.Decode(&o); err != nil {
		return nil, err
	}
	if o == nil {
		return nil, errors.New("null, wanted an object")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("text after the object")
	}
	return o, nil
}

// A parser reads JSON into a tree in a third of the time that encoding/json takes.
// It gives up at what is no JSON, and at what only encoding/json knows how to
// take: bytes that are no UTF-8, and a thousand levels. Fuzzing holds the one
// against the other. Strings share memory with the text.
type parser struct {
	text string
	at   int
}

// maxParsed is how deep a parser goes.
const maxParsed = 1000

// whole reads a text that is one value.
func (p *parser) whole() (any, bool) {
	v, ok := p.value(0)
	p.space()
	return v, ok && p.at == len(p.text)
}

func (p *parser) space() {
	for p.at < len(p.text) && isSpace(p.text[p.at]) {
		p.at++
	}
}

// take goes over a character, and is false where there is another.
func (p *parser) take(c byte) bool {
	p.space()
	if p.at < len(p.text) && p.text[p.at] == c {
		p.at++
		return true
	}
	return false
}

func (p *parser) value(depth int) (any, bool) {
	p.space()
	if p.at >= len(p.text) || depth > maxParsed {
		return nil, false
	}
	switch p.text[p.at] {
	case '{':
		return p.object(depth)
	case '[':
		return p.list(depth)
	case '"':
		return p.string()
	case 't':
		return true, p.word("true")
	case 'f':
		return false, p.word("false")
	case 'n':
		return nil, p.word("null")
	default:
		return p.number()
	}
}

func (p *parser) word(word string) bool {
	if !strings.HasPrefix(p.text[p.at:], word) {
		return false
	}
	p.at += len(word)
	return true
}

func (p *parser) object(depth int) (any, bool) {
	p.at++
	o := object{}
	if p.take('}') {
		return o, true
	}
	for {
		p.space()
		if p.at >= len(p.text) || p.text[p.at] != '"' {
			return nil, false
		}
		key, ok := p.string()
		if !ok || !p.take(':') {
			return nil, false
		}
		v, ok := p.value(depth + 1)
		if !ok {
			return nil, false
		}
		o[key.(string)] = v
		if p.take('}') {
			return o, true
		}
		if !p.take(',') {
			return nil, false
		}
	}
}

func (p *parser) list(depth int) (any, bool) {
	p.at++
	list := []any{}
	if p.take(']') {
		return list, true
	}
	for {
		v, ok := p.value(depth + 1)
		if !ok {
			return nil, false
		}
		list = append(list, v)
		if p.take(']') {
			return list, true
		}
		if !p.take(',') {
			return nil, false
		}
	}
}

func (p *parser) string() (any, bool) {
	start, plain := p.at, true
	for p.at = plainRun(p.text, p.at+1); p.at < len(p.text); p.at = plainRun(p.text, p.at) {
		switch p.text[p.at] {
		case '"':
			p.at++
			return unquote(p.text[start:p.at], plain)
		case '\\':
			plain = false
			p.at += 2
		default:
			return nil, false // a control character
		}
	}
	return nil, false
}

// unquote reads a string that is one as far as its quotes go; a plain one has no
// escapes.
func unquote(quoted string, plain bool) (any, bool) {
	if !utf8.ValidString(quoted) {
		return nil, false
	}
	if plain {
		return quoted[1 : len(quoted)-1], true
	}
	var s string
	err := json.Unmarshal([]byte(quoted), &s)
	return s, err == nil
}

// number keeps the text: what is not changed compares equal.
func (p *parser) number() (any, bool) {
	start := p.at
	p.at = numberEnd(p.text, start)
	return json.Number(p.text[start:p.at]), p.at > start
}
