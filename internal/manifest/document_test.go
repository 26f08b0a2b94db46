package manifest

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRead(t *testing.T) {
	cases := map[string]struct {
		content string
		want    []string // JSON of each document that has content
	}{
		"one document":               {"kind: A\n", []string{`{"kind":"A"}`}},
		"several":                    {"kind: A\n---\nkind: B\n", []string{`{"kind":"A"}`, `{"kind":"B"}`}},
		"a separator first and last": {"---\nkind: A\n---\n", []string{`{"kind":"A"}`}},
		"nothing at all":             {"", nil},
		"comments only":              {"# a\n---\n\n# b\n", nil},
		"null":                       {"null\n---\n~\n", nil},
		"a comment on the separator": {"--- # next\nkind: A\n", []string{`{"kind":"A"}`}},
		"content on the separator":   {"--- {kind: A}\n", []string{`{"kind":"A"}`}},
		"no separator but a key":     {"kind: A\n---a: b\n", []string{`{"---a":"b","kind":"A"}`}},
		"an end of document":         {"kind: A\n...\nkind: B\n", []string{`{"kind":"A"}`, `{"kind":"B"}`}},
		"a directive":                {"%YAML 1.1\n---\nkind: A\n", []string{`{"kind":"A"}`}},
		"lines that end as on Windows": {
			"kind: A\r\n---\r\nkind: B\r\n", []string{`{"kind":"A"}`, `{"kind":"B"}`},
		},
		"a byte order mark":         {"\ufeffkind: A\n", []string{`{"kind":"A"}`}},
		"one before JSON":           {"\ufeff{\"kind\":\"A\"}", []string{`{"kind":"A"}`}},
		"anchors":                   {"a: &x {b: c}\nkind: A\nd: *x\n", []string{`{"a":{"b":"c"},"d":{"b":"c"},"kind":"A"}`}},
		"JSON with tabs":            {"{\n\t\"kind\": \"A\"\n}\n", []string{"{\n\t\"kind\": \"A\"\n}"}},
		"JSON values in a row":      {`{"kind":"A"} {"kind":"B"}`, []string{`{"kind":"A"}`, `{"kind":"B"}`}},
		"JSON and YAML by turns":    {"{\"kind\":\"A\"}\n---\nkind: B\n", []string{`{"kind":"A"}`, `{"kind":"B"}`}},
		"a flow mapping of YAML":    {"{kind: A, b: 'c'}\n", []string{`{"b":"c","kind":"A"}`}},
		"numbers keep their digits": {"kind: A\nnum: 12345678901234567\n", []string{`{"kind":"A","num":12345678901234567}`}},
		"a separator inside a block text ends it, as YAML has it": {
			"kind: A\nb: |\n  x\n---\nkind: B\n", []string{`{"b":"x\n","kind":"A"}`, `{"kind":"B"}`},
		},
		"an indented one does not": {"kind: A\nb: |\n  ---\n", []string{`{"b":"---\n","kind":"A"}`}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var got []string
			var text strings.Builder
			for _, d := range Read("f", []byte(c.content)) {
				if d.Err != nil {
					t.Error(d.Err)
				}
				if d.JSON != nil {
					got = append(got, string(d.JSON))
				}
				text.Write(d.Lead)
				text.Write(d.Text)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("documents (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.content, text.String()); diff != "" {
				t.Errorf("the documents together are not the file (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReadRefuses(t *testing.T) {
	cases := map[string]struct {
		content string
		want    []string
	}{
		"a mapping in the wrong place": {
			"kind: A\n---\nkind: B\n  c: d\n",
			[]string{"f: document 2: line 4: mapping values are not allowed in this context"},
		},
		"every broken document": {
			"kind: A\n---\n- a\n---\nkind: B\n---\nkind: [\n",
			[]string{
				"f: document 2: line 3: no kind, want a manifest",
				"f: document 4: line 7: did not find expected node content",
			},
		},
		"text":                {"hello\n", []string{"f: document 1: line 1: no kind, want a manifest"}},
		"a kind in capitals":  {"# a\nKIND: A\nKind: A\n", []string{"f: document 1: line 1: no kind, want a manifest"}},
		"broken JSON":         {`{"kind":"A"`, []string{"f: document 1: line 1: did not find expected ',' or '}'"}},
		"Latin-1":             {"kind: Caf\xe9\n", []string{"f: document 1: line 1: not UTF-8 text"}},
		"Latin-1 in JSON":     {"{\"kind\": \"Caf\xe9\"}\n", []string{"f: document 1: line 1: not UTF-8 text"}},
		"a file from Windows": {"\xff\xfek\x00", []string{"f: UTF-16 text, want UTF-8"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, d := range Read("f", []byte(c.content)) {
				if d.Err != nil {
					got = append(got, d.Err.Error())
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestKeyThatOccursTwice(t *testing.T) {
	docs := Read("f", []byte("kind: A\nb: 1\nb: 2\n"))
	want := `line 3: key "b" already set in map: the last one counts`
	if got := docs[0]; got.Warning != want || string(got.JSON) != `{"b":2,"kind":"A"}` {
		t.Errorf("got the warning %q and %s, want %q", got.Warning, got.JSON, want)
	}
}

// FuzzRead: no bytes make it panic, and together the documents are the
// file.
func FuzzRead(f *testing.F) {
	f.Add([]byte("# a\n---\nkind: A\r\n--- # b\n{\"kind\":\"B\"} {}\n...\n%YAML 1.1\n--- |\n c"))
	f.Fuzz(func(t *testing.T, content []byte) {
		var text bytes.Buffer
		for _, d := range Read("f", content) {
			text.Write(d.Lead)
			text.Write(d.Text)
		}
		if !bytes.Equal(content, text.Bytes()) {
			t.Errorf("got %q, want %q", text.Bytes(), content)
		}
	})
}
