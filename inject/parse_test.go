package inject_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"outrigger.dev/outrigger/inject"
	"outrigger.dev/outrigger/templates"
)

// FuzzParse: what the quick parser reads, encoding/json reads alike.
func FuzzParse(f *testing.F) {
	for _, pod := range templates.Corpus() {
		f.Add(pod)
	}
	for _, text := range []string{
		`{"a":[1,-2.5e+3,0,true,false,null,"","é"],"a":{"b":[]}}`, `"\u00e9\ud83d\ude00\ud800\"\\"`, ` [ ] `, `01`, `1.`, `-`, `1e`, `[1,]`, `{"a":1,}`,
		"\"\x01\"", "\"\xff\"", `{"a" 1}`, `tru`, `nulls`, `{}x`, `"\x"`, strings.Repeat("[", 1002) + strings.Repeat("]", 1002), `"`, `"\`, ``,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got, ok := inject.Parse(string(text))
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		var want any
		err := d.Decode(&want)
		if _, more := d.Token(); err == nil && !errors.Is(more, io.EOF) {
			err = errors.New("text after the value")
		}
		if !ok {
			return
		}
		if err != nil {
			t.Fatalf("%q: %v, and the quick parser read %v", text, err, got)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q\n-encoding/json +quick\n%s", text, diff)
		}
	})
}

// Pods as the API server sends them are read by the quick parser.
func TestParseReadsTheCorpus(t *testing.T) {
	for i, pod := range templates.Corpus() {
		if _, ok := inject.Parse(string(pod)); !ok {
			t.Errorf("pod %d of the corpus is left to encoding/json", i)
		}
	}
}
