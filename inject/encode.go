package inject

import (
	"bytes"
	"encoding/json"
	"strconv"
	"sync"
)

// encode writes a tree as compact JSON with sorted keys. It does not escape
// for HTML: a shell command in an argument stays readable.
func encode(v any) ([]byte, error) { return appendTree(make([]byte, 0, 4096), v) }

// EncodePatch writes a patch as JSON, as [encode] does.
func EncodePatch(ops []Operation) ([]byte, error) {
	room := patches.Get().(*[]byte)
	defer patches.Put(room)
	b, err := appendPatch((*room)[:0], ops)
	if cap(b) <= maxRoom {
		*room = b
	}
	return bytes.Clone(b), err
}

// patches is room to write patches in, which is kept for the next one: what a patch
// takes shows only when it has been written. maxRoom is the most that is kept.
var patches = sync.Pool{New: func() any { return new([]byte) }}

const maxRoom = 256 << 10

func appendPatch(b []byte, ops []Operation) ([]byte, error) {
	b = append(b, '[')
	for i, op := range ops {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"op":`...)
		b = appendText(b, op.Operation)
		b = append(b, `,"path":`...)
		b = appendText(b, op.Path)
		if op.Operation != "remove" {
			b = append(b, `,"value":`...)
			var err error
			if b, err = appendTree(b, op.Value); err != nil {
				return nil, err
			}
		}
		b = append(b, '}')
	}
	return append(b, ']'), nil
}

// appendTree is for what trees are made of, in a fifth of the time that
// encoding/json takes; anything else is left to that.
func appendTree(b []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case object:
		return appendObject(b, v)
	case []any:
		b = append(b, '[')
		for i, item := range v {
			if i > 0 {
				b = append(b, ',')
			}
			var err error
			if b, err = appendTree(b, item); err != nil {
				return nil, err
			}
		}
		return append(b, ']'), nil
	case string:
		return appendText(b, v), nil
	case json.Number: // as it was read
		return append(b, v...), nil
	case int:
		return strconv.AppendInt(b, int64(v), 10), nil
	case bool:
		return strconv.AppendBool(b, v), nil
	case nil:
		return append(b, "null"...), nil
	default:
		return appendOther(b, v)
	}
}

func appendObject(b []byte, o object) ([]byte, error) {
	b = append(b, '{')
	for i, key := range sortedKeys(o) {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendText(b, key), ':')
		var err error
		if b, err = appendTree(b, o[key]); err != nil {
			return nil, err
		}
	}
	return append(b, '}'), nil
}

// appendText quotes a text. Texts that are JSON themselves, as many annotations are,
// have quotes and backslashes and nothing else to escape.
func appendText(b []byte, text string) []byte {
	start := len(b)
	b = append(b, '"')
	from := 0
	for i := range len(text) {
		switch c := text[i]; {
		case c < ' ' || c > '~':
			quoted, _ := appendOther(b[:start], text) // a string always encodes
			return quoted
		case c == '"' || c == '\\':
			b = append(append(b, text[from:i]...), '\\')
			from = i
		}
	}
	return append(append(b, text[from:]...), '"')
}

// appendOther is encoding/json's own way.
func appendOther(b []byte, v any) ([]byte, error) {
	out := bytes.NewBuffer(b)
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}
