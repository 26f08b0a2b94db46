package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"outrigger.dev/outrigger/inject"
	"outrigger.dev/outrigger/internal/manifest"
)

// outputs are the forms of a result. Documents come out in input order; those
// without content only in yaml.
var outputs = map[string]func(io.Writer, []injected) error{
	"yaml":  writeYAML,
	"json":  writeJSON,
	"patch": writePatch,
	"diff":  writeDiff,
}

// writeYAML writes what was not injected byte for byte, separators included.
func writeYAML(w io.Writer, docs []injected) error {
	var out bytes.Buffer
	for i, d := range docs {
		text := d.Text
		if len(d.patch) > 0 {
			_, after, err := d.Rewrite(d.patch)
			if err != nil {
				return err
			}
			text = d.EndLines(after)
		}
		lead := d.Lead
		if i > 0 && len(lead) == 0 {
			lead = []byte("---\n") // two files, or two JSON values
		}
		if i > 0 && !bytes.HasSuffix(out.Bytes(), []byte("\n")) && out.Len() > 0 {
			out.WriteByte('\n')
		}
		if len(d.patch) > 0 && len(lead) > 0 && !bytes.HasSuffix(lead, []byte("\n")) {
			lead = append(bytes.Clone(lead), '\n')
		}
		out.Write(lead)
		out.Write(text)
	}
	_, err := w.Write(out.Bytes())
	return err
}

// writeJSON writes one value a line for each document.
func writeJSON(w io.Writer, docs []injected) error {
	var out bytes.Buffer
	for _, d := range docs {
		if d.JSON == nil {
			continue
		}
		raw, err := inject.Apply(d.JSON, d.patch)
		if err == nil {
			err = compactJSON(&out, raw)
		}
		if err != nil {
			return err
		}
	}
	_, err := w.Write(out.Bytes())
	return err
}

// writePatch writes one JSON Patch a line for each document, "[]" where nothing
// changes.
func writePatch(w io.Writer, docs []injected) error {
	var out bytes.Buffer
	for _, d := range docs {
		if d.JSON == nil {
			continue
		}
		raw, err := json.Marshal(append([]inject.Operation{}, d.patch...))
		if err == nil {
			err = compactJSON(&out, raw)
		}
		if err != nil {
			return err
		}
	}
	_, err := w.Write(out.Bytes())
	return err
}

// writeDiff writes a unified diff for each document that changes.
func writeDiff(w io.Writer, docs []injected) error {
	var out strings.Builder
	for _, d := range docs {
		if len(d.patch) == 0 {
			continue
		}
		before, after, err := d.Rewrite(d.patch)
		if err != nil {
			return err
		}
		diff, err := manifest.Diff(d.Where(), d.Where()+", injected", before, after)
		if err != nil {
			return err
		}
		out.WriteString(diff)
	}
	return printDiff(w, out.String())
}

// compactJSON is JSON on one line, readable: "<" stays "<".
func compactJSON(w io.Writer, raw []byte) error {
	var value any
	numbers := json.NewDecoder(bytes.NewReader(raw))
	numbers.UseNumber()
	if err := numbers.Decode(&value); err != nil {
		return err
	}
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	return out.Encode(value)
}

// count is a number of things: "1 pod", "2 pods".
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
