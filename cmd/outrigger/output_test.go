package main

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestColor(t *testing.T) {
	diff := "--- a\n+++ b\n@@ -1 +1 @@\n same\n-old\n+new\n"
	want := "\x1b[31m--- a\x1b[m\n\x1b[32m+++ b\x1b[m\n\x1b[36m@@ -1 +1 @@\x1b[m\n same\n\x1b[31m-old\x1b[m\n\x1b[32m+new\x1b[m\n"
	if diff := cmp.Diff(want, color(diff)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestColorsOnlyOnATerminal(t *testing.T) {
	file, err := os.Create(t.TempDir() + "/out")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if colored(file) {
		t.Error("a file is no terminal, and was painted")
	}
}
