package manifest

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"outrigger.dev/outrigger/inject"
)

// TestRewrite applies patches to texts: a file of testdata/rewrite a behaviour,
// named in its first line, with the text, the patch and the text wanted.
func TestRewrite(t *testing.T) {
	files, err := filepath.Glob("testdata/rewrite/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files, %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			section := map[string][]byte{}
			for _, f := range archive.Files {
				section[f.Name] = f.Data
			}
			docs := Read("in.yaml", section["in.yaml"])
			if len(docs) != 1 || docs[0].Err != nil {
				t.Fatalf("%d documents, %v", len(docs), docs[0].Err)
			}
			var ops []inject.Operation
			if err := json.Unmarshal(section["patch.json"], &ops); err != nil {
				t.Fatal(err)
			}
			_, got, err := docs[0].Rewrite(ops)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(section["want.yaml"]), got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// FuzzRewrite: whatever the text, what comes out says what the patch makes of
// it. YAML cannot hold every text that JSON can; then there is an error.
func FuzzRewrite(f *testing.F) {
	files, err := filepath.Glob("testdata/rewrite/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(archive.Files[0].Data)
	}
	ops := []inject.Operation{
		{Operation: "add", Path: "/metadata", Value: map[string]any{"labels": map[string]any{"a/b": "on"}}},
		{Operation: "add", Path: "/spec", Value: map[string]any{"containers": []any{map[string]any{"name": "a"}}}},
		{Operation: "remove", Path: "/kind"},
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		for _, d := range Read("f", content) {
			if d.JSON == nil {
				continue
			}
			want, err := inject.Apply(d.JSON, ops)
			if err != nil {
				t.Skip(err)
			}
			_, after, err := d.Rewrite(ops)
			if err == nil && !says(after, want) {
				t.Errorf("%q became %q, want what says %s", content, after, want)
			}
			if err != nil && !d.IsJSON {
				t.Errorf("%q: %v", content, err)
			}
		}
	})
}
