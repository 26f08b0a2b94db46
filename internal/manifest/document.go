// Package manifest reads files of Kubernetes manifests without losing how they
// were written: comments, order and quotes come out of a change as they went in.
package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	kjson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"
)

// A Document is one document of a file, as it was written. What stands between
// two documents belongs to the second one, so that the documents of a file, one
// after the other, are the file byte for byte.
type Document struct {
	// File is the name that errors call the file by.
	File string
	// Number counts the file's documents from 1; those without content are not counted.
	Number int
	// Line is where Text begins in the file, from 1.
	Line int
	// Lead is the separator before it: "---" to the end of the line, or nothing.
	Lead []byte
	Text []byte
	// JSON is what it says; nil for a document without content.
	JSON []byte
	// IsJSON says that it was written as JSON.
	IsJSON bool
	// Warning is what is doubtful about the text; "" as a rule.
	Warning string
	// Err is why the text could not be read, with file, document and line.
	Err error
}

// Where is the document for people.
func (d Document) Where() string { return fmt.Sprintf("%s: document %d", d.File, d.Number) }

// Read splits a file into its documents and parses each. The file may
// be YAML, JSON, several JSON values one after the other, or all of them by
// turns.
func Read(file string, content []byte) []Document {
	if bytes.HasPrefix(content, []byte("\xff\xfe")) || bytes.HasPrefix(content, []byte("\xfe\xff")) {
		return []Document{{File: file, Text: content, Err: fmt.Errorf("%s: UTF-16 text, want UTF-8", file)}}
	}
	var docs []Document
	number, line := 0, 1
	for _, part := range split(content) {
		line += bytes.Count(part.Lead, []byte("\n"))
		for _, d := range splitJSON(part) {
			if !d.blank() {
				number++
			}
			d.File, d.Line, d.Number = file, line, number
			d.JSON, d.Err = d.parse()
			line += bytes.Count(d.Text, []byte("\n"))
			docs = append(docs, d)
		}
	}
	return docs
}

// split cuts YAML at its document markers: a line that begins with "---" or
// "..." ends the document before it wherever it stands, in a quoted or block
// text too, so no YAML parser is needed to find it.
func split(content []byte) []Document {
	docs := []Document{{}}
	for at := 0; at < len(content); {
		line := content[at:]
		if end := bytes.IndexByte(line, '\n'); end >= 0 {
			line = line[:end+1]
		}
		at += len(line)
		lead := marker(line)
		if lead > 0 {
			docs = append(docs, Document{Lead: line[:lead]})
		}
		last := &docs[len(docs)-1]
		last.Text = append(last.Text, line[lead:]...)
	}
	return docs
}

// marker is how much of a line is a document marker: nothing, the whole line,
// or the "---" before content on the same line.
func marker(line []byte) int {
	if !bytes.HasPrefix(line, []byte("---")) && !bytes.HasPrefix(line, []byte("...")) {
		return 0
	}
	rest := line[3:]
	if len(rest) > 0 && bytes.IndexByte([]byte(" \t\r\n"), rest[0]) < 0 {
		return 0
	}
	if rest = bytes.TrimSpace(rest); len(rest) == 0 || rest[0] == '#' {
		return len(line)
	}
	return 3
}

// splitJSON cuts a part that holds JSON values, one after the other, into a
// document each. Every other part is given back as it is.
func splitJSON(part Document) []Document {
	content := withoutBOM(part.Text)
	if trimmed := bytes.TrimSpace(content); len(trimmed) == 0 || trimmed[0] != '{' {
		return []Document{part}
	}
	var docs []Document
	values := json.NewDecoder(bytes.NewReader(content))
	for start, end := 0, 0; ; start = end {
		var value json.RawMessage
		switch err := values.Decode(&value); {
		case errors.Is(err, io.EOF):
			last := &docs[len(docs)-1]
			last.Text = part.Text[start-len(last.Text):] // what follows the last value is its own
			docs[0].Lead = part.Lead
			return docs
		case err != nil:
			return []Document{part} // a flow mapping, or broken: the YAML parser will say
		}
		end = len(part.Text) - len(content) + int(values.InputOffset())
		docs = append(docs, Document{Text: part.Text[start:end], JSON: value, IsJSON: true})
	}
}

// parse is what the document says, as JSON; nil where it has no content.
func (d *Document) parse() ([]byte, error) {
	if d.blank() {
		return nil, nil
	}
	if !utf8.Valid(d.Text) {
		return nil, fmt.Errorf("%s: line %d: not UTF-8 text", d.Where(), d.Line)
	}
	value := d.JSON
	if !d.IsJSON {
		// Lines before the document are handed over as empty ones: then the parser
		// counts lines as the reader's editor does.
		text := append(bytes.Repeat([]byte("\n"), d.Line-1), withoutBOM(d.Text)...)
		var err error
		if value, err = yaml.YAMLToJSONStrict(text); err != nil {
			var lenient error
			if value, lenient = yaml.YAMLToJSON(text); lenient != nil {
				return nil, fmt.Errorf("%s: %s", d.Where(), oneLine(lenient))
			}
			d.Warning = oneLine(err) + ": the last one counts"
		}
	}
	if string(value) == "null" {
		return nil, nil
	}
	var manifest struct {
		Kind string `json:"kind"`
	}
	if err := kjson.UnmarshalCaseSensitivePreserveInts(value, &manifest); err != nil || manifest.Kind == "" {
		return nil, fmt.Errorf("%s: line %d: no kind, want a manifest", d.Where(), d.Line)
	}
	return value, nil
}

// blank says that the document has nothing but comments and directives.
func (d *Document) blank() bool {
	for line := range bytes.Lines(withoutBOM(d.Text)) {
		if line = bytes.TrimSpace(line); len(line) > 0 && line[0] != '#' && line[0] != '%' {
			return false
		}
	}
	return true
}

// EndLines ends the lines of a text as the document does.
func (d *Document) EndLines(text string) []byte {
	if bytes.Contains(d.Text, []byte("\r\n")) {
		text = strings.ReplaceAll(text, "\n", "\r\n")
	}
	return []byte(text)
}

func withoutBOM(text []byte) []byte { return bytes.TrimPrefix(text, []byte("\ufeff")) }

// oneLine is a YAML parser's message without its preamble, on one line.
func oneLine(err error) string {
	message := err.Error()
	for _, preamble := range []string{"error converting YAML to JSON: ", "yaml: ", "unmarshal errors:"} {
		message = strings.TrimPrefix(message, preamble)
	}
	lines := strings.Split(strings.TrimSpace(message), "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return strings.Join(lines, "; ")
}
