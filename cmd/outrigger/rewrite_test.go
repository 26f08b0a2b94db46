package main

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
			docs := readDocuments("in.yaml", section["in.yaml"])
			if len(docs) != 1 || docs[0].err != nil {
				t.Fatalf("%d documents, %v", len(docs), docs[0].err)
			}
			var ops []inject.Operation
			if err := json.Unmarshal(section["patch.json"], &ops); err != nil {
				t.Fatal(err)
			}
			_, got, err := docs[0].rewrite(ops)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(section["want.yaml"]), got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
