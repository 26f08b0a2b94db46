package dryrun

import (
	"bytes"
	"encoding/json"
	"errors"
	"regexp"
	"strconv"
	"strings"

	yamlv3 "go.yaml.in/yaml/v3"

	"outrigger.dev/outrigger/internal/manifest"
)

// at is a fault at what a JSON Pointer names in a document, or as near to it as
// there is something.
func at(d manifest.Document, pointer, message string) Fault {
	f := Fault{Document: d.Number, Line: d.Line, Column: 1, Message: message}
	var root yamlv3.Node
	if yamlv3.Unmarshal(d.Text, &root) != nil || len(root.Content) == 0 {
		return f
	}
	node := root.Content[0]
	for token := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		next := nodeAt(node, strings.NewReplacer("~1", "/", "~0", "~").Replace(token))
		if next == nil {
			break
		}
		node = next
	}
	f.Line, f.Column = d.Line+node.Line-1, node.Column
	return f
}

func nodeAt(parent *yamlv3.Node, token string) *yamlv3.Node {
	if parent.Kind == yamlv3.AliasNode {
		parent = parent.Alias
	}
	for i := 0; parent.Kind == yamlv3.MappingNode && i+1 < len(parent.Content); i += 2 {
		if parent.Content[i].Value == token {
			return parent.Content[i+1]
		}
	}
	if parent.Kind != yamlv3.SequenceNode {
		return nil
	}
	if i, err := strconv.Atoi(token); err == nil {
		if i < 0 || i >= len(parent.Content) {
			return nil
		}
		return parent.Content[i]
	}
	// A field of the elements: that of the first which has it.
	for _, element := range parent.Content {
		if element.Kind != yamlv3.MappingNode {
			continue
		}
		if found := nodeAt(element, token); found != nil {
			return found
		}
	}
	return nil
}

// lineOf finds the line in a YAML parser's message.
var lineOf = regexp.MustCompile(`line (\d+): `)

// unreadable is a fault of a document that does not parse. YAML's parser knows the
// line; the column is that of the line's first character. JSON's knows the place.
func unreadable(d manifest.Document) Fault {
	_, message, _ := strings.Cut(d.Err.Error(), ": ") // after the file's name
	message = strings.TrimPrefix(message, "document "+strconv.Itoa(d.Number)+": ")
	f := Fault{Document: d.Number, Line: d.Line, Column: 1, Message: message}
	if found := lineOf.FindStringSubmatch(message); found != nil {
		f.Line, _ = strconv.Atoi(found[1])
		f.Message = strings.Replace(message, found[0], "", 1)
		f.Column = indent(d.Text, f.Line-d.Line)
	}
	if bytes.HasPrefix(bytes.TrimSpace(d.Text), []byte("{")) {
		var syntax *json.SyntaxError
		if errors.As(json.Unmarshal(d.Text, new(any)), &syntax) && syntax.Offset > 0 {
			before := d.Text[:min(int(syntax.Offset)-1, len(d.Text))]
			f.Line = d.Line + bytes.Count(before, []byte("\n"))
			f.Column = len(before) - bytes.LastIndexByte(before, '\n')
			f.Message = syntax.Error()
		}
	}
	return f
}

// indent is the column of the first character of a line, which counts from 0.
func indent(text []byte, line int) int {
	for ; line > 0; line-- {
		_, rest, found := bytes.Cut(text, []byte("\n"))
		if !found {
			break
		}
		text = rest
	}
	text, _, _ = bytes.Cut(text, []byte("\n"))
	return len(text) - len(bytes.TrimLeft(text, " ")) + 1
}

// pointed finds the pointer in the message of inject.ReadWorkloads.
var pointed = regexp.MustCompile(`no object at (\S+),`)

// missing is the pointer of what an error says is not there.
func missing(err error) string {
	if found := pointed.FindStringSubmatch(err.Error()); found != nil {
		return found[1]
	}
	return ""
}

// typePointer is the pointer, as far as it is known, of the value that has another
// type than the pod's field: elements of lists are not told apart.
func typePointer(err error) string {
	var wrong *json.UnmarshalTypeError
	if !errors.As(err, &wrong) {
		return ""
	}
	return "/" + strings.ReplaceAll(wrong.Field, ".", "/")
}

// lookup is the value that a JSON Pointer names, nil where there is none.
func lookup(document []byte, pointer string) json.RawMessage {
	value := json.RawMessage(document)
	for token := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		if pointer == "" {
			break
		}
		token = strings.NewReplacer("~1", "/", "~0", "~").Replace(token)
		if i, err := strconv.Atoi(token); err == nil {
			var list []json.RawMessage
			if json.Unmarshal(value, &list) != nil || i < 0 || i >= len(list) {
				return nil
			}
			value = list[i]
			continue
		}
		var fields map[string]json.RawMessage
		if json.Unmarshal(value, &fields) != nil || fields[token] == nil {
			return nil
		}
		value = fields[token]
	}
	return value
}
