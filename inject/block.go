package inject

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// readBlock reads the YAML that templates write, ten times as fast as a whole
// YAML parser: block maps and lists, scalars on one line, literal blocks, and
// JSON for flow style. It is false for a text that holds anything else, or
// anything that YAML might see otherwise, and for what is no YAML at all: those
// are for the whole parser. Fuzzing holds the one against the other.
func readBlock(text []byte) (object, bool) {
	if bytes.ContainsFunc(text, func(c rune) bool { return c < ' ' && c != '\n' || c > '~' }) || !bytes.HasSuffix(text, []byte("\n")) {
		return nil, false
	}
	b := &blockReader{rest: string(text)}
	b.next()
	if b.ended {
		return object{}, true
	}
	o, ok := b.mapping(b.indent)
	return o, ok && b.ended
}

// A blockReader is at a line that is neither empty nor a comment, or has ended.
type blockReader struct {
	rest   string // behind the line
	line   string // without its indentation, and spaces at its end
	indent int
	ended  bool
}

// next goes to the next line that says something.
func (b *blockReader) next() {
	for b.rest != "" {
		var raw string
		raw, b.rest, _ = strings.Cut(b.rest, "\n")
		b.line = strings.TrimLeft(raw, " ")
		b.indent = len(raw) - len(b.line)
		b.line = strings.TrimRight(b.line, " ")
		if b.line != "" && b.line[0] != '#' {
			return
		}
	}
	b.ended = true
}

// below says whether the line is one of a block that is indented by more.
func (b *blockReader) below(indent int) bool { return !b.ended && b.indent > indent }

func (b *blockReader) isElement() bool { return b.line == "-" || strings.HasPrefix(b.line, "- ") }

// mapping reads the lines KEY: VALUE of one indentation.
func (b *blockReader) mapping(indent int) (object, bool) {
	o := object{}
	for !b.ended && b.indent == indent && !b.isElement() {
		key, rest, ok := splitKey(b.line)
		if _, twice := o[key]; !ok || twice {
			return nil, false
		}
		if o[key], ok = b.value(rest, indent); !ok {
			return nil, false
		}
	}
	return o, len(o) > 0 && !b.below(indent)
}

// value reads what stands behind a key, in its line or below it.
func (b *blockReader) value(rest string, indent int) (any, bool) {
	if rest != "" {
		return b.inline(rest, indent)
	}
	b.next()
	if !b.ended && b.indent == indent && b.isElement() {
		return b.sequence(indent)
	}
	return b.block(indent)
}

// block reads what is indented by more; nothing is null.
func (b *blockReader) block(indent int) (any, bool) {
	switch {
	case !b.below(indent):
		return nil, true
	case b.isElement():
		return b.sequence(b.indent)
	default:
		return b.mapping(b.indent)
	}
}

// sequence reads the lines that start with a dash, of one indentation.
func (b *blockReader) sequence(indent int) (any, bool) {
	list := []any{}
	for !b.ended && b.indent == indent && b.isElement() {
		rest := strings.TrimLeft(b.line[1:], " ")
		var element any
		var ok bool
		if rest == "" {
			b.next()
			element, ok = b.block(indent)
		} else if _, _, pair := splitKey(rest); pair {
			b.indent += len(b.line) - len(rest)
			b.line = rest
			element, ok = b.mapping(b.indent)
		} else {
			element, ok = b.inline(rest, indent)
		}
		if !ok {
			return nil, false
		}
		list = append(list, element)
	}
	return list, !b.below(indent)
}

// inline reads a scalar, or flow style, that begins in a line of this indentation.
func (b *blockReader) inline(s string, indent int) (any, bool) {
	if s[0] == '|' {
		return b.literal(s, indent)
	}
	v, ok := blockScalar(s)
	b.next()
	return v, ok && !b.below(indent) // else it goes on in the next line
}

// literal reads a block of lines that are taken as they are.
func (b *blockReader) literal(header string, indent int) (any, bool) {
	if header != "|" && header != "|-" {
		return nil, false
	}
	var text strings.Builder
	inner := -1
	for b.rest != "" {
		raw, rest, _ := strings.Cut(b.rest, "\n")
		content := strings.TrimLeft(raw, " ")
		depth := len(raw) - len(content)
		if inner < 0 {
			inner = depth
		}
		if content == "" || inner <= indent {
			return nil, false // lines of nothing are a chapter of their own
		}
		if depth < inner {
			break
		}
		text.WriteString(raw[inner:])
		text.WriteByte('\n')
		b.rest = rest
	}
	b.next()
	if header == "|-" {
		return strings.TrimSuffix(text.String(), "\n"), inner >= 0 && !b.below(indent)
	}
	return text.String(), inner >= 0 && !b.below(indent)
}

// maxKey is well below the 1024 characters up to which YAML reads a key without
// a question mark.
const maxKey = 512

// splitKey takes KEY: VALUE apart.
func splitKey(line string) (key, rest string, ok bool) {
	if line[0] == '"' {
		key, rest, ok = strings.Cut(line[1:], `"`)
		if !ok || strings.Contains(key, `\`) || rest == "" || rest[0] != ':' {
			return "", "", false
		}
		rest = rest[1:]
	} else {
		at := strings.IndexByte(line, ':')
		if at <= 0 || !isName(line[:at]) {
			return "", "", false
		}
		key, rest = line[:at], line[at+1:]
	}
	if rest != "" && rest[0] != ' ' {
		return "", "", false
	}
	return key, strings.TrimLeft(rest, " "), key != "" && len(key) <= maxKey
}

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
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil || d.InputOffset() != int64(len(s)) {
		return nil, false
	}
	return v, plainNumbers(v)
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
