package analyze_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"outrigger.dev/outrigger/internal/analyze"
)

const (
	page      = "../../docs/analyze.md"
	pageBegin = "<!-- Generated: go test ./internal/analyze -run TestPage -update -->\n"
	pageEnd   = "<!-- end -->\n"
)

// The page has a row for every analyzer.
func TestPage(t *testing.T) {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), pageBegin)
	_, after, ended := strings.Cut(rest, pageEnd)
	if !ok || !ended {
		t.Fatalf("%s: has no place for the table", page)
	}
	var table strings.Builder
	table.WriteString("\n| code | severity | name | finds that |\n| --- | --- | --- | --- |\n")
	for _, a := range analyze.Analyzers() {
		fmt.Fprintf(&table, "| %s | %s | %s | %s |\n", a.Code, a.Severity, a.Name, a.About)
	}
	want := before + pageBegin + table.String() + "\n" + pageEnd + after
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(text), want); diff != "" {
		t.Errorf("%s is stale, run: go test ./internal/analyze -run TestPage -update\n-page +want\n%s", page, diff)
	}
}
