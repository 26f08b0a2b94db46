package inject_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"outrigger.dev/outrigger/inject"
	"outrigger.dev/outrigger/templates"
	"sigs.k8s.io/yaml"
)

// FuzzReadBlock: what the quick reader of templates' YAML reads is what the whole
// parser makes of it; where the whole parser refuses, so does the quick one.
func FuzzReadBlock(f *testing.F) {
	for _, seed := range []string{
		"metadata:\n  labels:\n    a: b\nspec:\n  containers:\n  - name: x\n    args:\n    - --flag\n    - \"*\"\n    - 'it''s'\n",
		"spec:\n  a: |\n    {\"x\": 1}\n  b: |-\n    two\n     lines\n  c: {}\n  d: []\n  e: {\"f\":[1,true,null,\"g\"]}\n",
		"a:\n  - b: 1\n    c: 128Mi\n  - # nothing\n  -\n    d: e\nf: -1\ng: 0\nh: 007\ni: 1.5\n",
		"a: yes\nb: \"\\n\\\"\\\\\"\nc: 'd'  \ne: f: g\n", "a: b\n  c: d\n", "a: b #c\n", "- a\n", "a:\n- - b\n", "? a\n: b\n", "a: &x b\n",
		"<<: {a: b}\n", "\"a b\": c\n\"d\":\n  e:\n", "a:\n#c\n  b: c\n", "a: 2001-01-01\n", "a: b\na: c\n", "---\na: b\n", "a: |\n\n  b\n",
		"true: a\n", "$patch: replace\n", "a: - b\n", "a: {b: c}\n", "a: [1, 2,]\n", "a: {\"b\":1e3}\n", "a: 'b': c\n", "a: \"b\" c\n", "a:b: c\n", "a: @b\n",
	} {
		f.Add([]byte(seed))
	}
	for _, pod := range templates.Corpus() {
		text, err := yaml.JSONToYAML(pod)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got, ok := inject.ReadBlock(string(text))
		if !ok {
			return
		}
		raw, err := yaml.YAMLToJSON(text)
		if err != nil {
			t.Fatalf("%q: %v, and the quick reader read %v", text, err, got)
		}
		want := map[string]any{}
		if string(raw) != "null" {
			want = readTree(raw)
		}
		if diff := cmp.Diff(want, copyTree(got)); diff != "" {
			t.Errorf("%q\n-whole +quick\n%s", text, diff)
		}
	})
}
