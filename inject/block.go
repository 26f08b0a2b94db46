package inject

import "strings"

// readBlock reads the YAML that templates write, ten times as fast as a whole
// YAML parser: block maps and lists, scalars on one line, literal blocks, and
// JSON for flow style. It is false for a text that holds anything else, or
// anything that YAML might see otherwise, and for what is no YAML at all: those
// are for the whole parser. Fuzzing holds the one against the other.
func readBlock(text string) (object, bool) {
	if strings.ContainsFunc(text, func(c rune) bool { return c < ' ' && c != '\n' || c > '~' }) || !strings.HasSuffix(text, "\n") {
		return nil, false
	}
	b := &blockReader{rest: text}
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
