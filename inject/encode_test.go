package inject_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gomodules.xyz/jsonpatch/v2"
	"outrigger.dev/outrigger/inject"
	"outrigger.dev/outrigger/templates"
)

// FuzzEncode: trees are written as encoding/json writes them.
func FuzzEncode(f *testing.F) {
	for _, pod := range templates.Corpus() {
		f.Add(pod)
	}
	f.Add([]byte(`{"a":[1,2.50,-0,1e9,true,false,null,"",{},[]],"<&>":"\u2028\u0000\"\\/é\ud800"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		var v any
		if d.Decode(&v) != nil {
			return
		}
		var want bytes.Buffer
		e := json.NewEncoder(&want)
		e.SetEscapeHTML(false)
		if err := e.Encode(v); err != nil {
			t.Fatal(err)
		}
		got, err := inject.Encode(v)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want.String(), string(got)+"\n"); diff != "" {
			t.Errorf("-encoding/json +encode\n%s", diff)
		}
	})
}

func TestEncodePatch(t *testing.T) {
	for sentence, c := range map[string]struct {
		ops  []inject.Operation
		want string
	}{
		"no operation": {nil, `[]`},
		"operations of every kind": {
			[]inject.Operation{
				jsonpatch.NewOperation("add", "/a", map[string]any{"b": []any{json.Number("1"), "<"}}),
				jsonpatch.NewOperation("replace", "/c~1d", nil),
				jsonpatch.NewOperation("remove", "/e", nil),
			},
			`[{"op":"add","path":"/a","value":{"b":[1,"<"]}},{"op":"replace","path":"/c~1d","value":null},{"op":"remove","path":"/e"}]`,
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			got, err := inject.EncodePatch(c.ops)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, string(got)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}
