// Inside the package: the check's findings are its whole interface, and only
// the program calls it.
package main

import (
	"go/parser"
	"go/token"
	"slices"
	"strings"
	"testing"
)

func TestShape(t *testing.T) {
	long := "package p\n\n// F is long.\nfunc F() {\n" + strings.Repeat("\tprintln()\n", 100) + "}\n"
	for name, tc := range map[string]struct {
		source          string
		findings, notes []string
	}{
		"all that is exported is documented": {
			source: "// Package p is one.\npackage p\n\n// X is 1.\nconst X = 1\n\n// Both are numbers.\nvar (\n\tA = 1\n\tB = 2\n)\n",
		},
		"names without a comment": {
			source: "package p\n\nconst X = 1\n\ntype T struct{}\n\nfunc (T) M() {}\n\nfunc (hidden) N() {}\n\nfunc f() {}\n",
			findings: []string{
				"p.go:3: X: exported, and has no comment",
				"p.go:5: T: exported, and has no comment",
				"p.go:7: M: exported, and has no comment",
			},
		},
		"a comment on a group is none on its types": {
			source:   "package p\n\n// Several.\ntype (\n\tT struct{}\n)\n",
			findings: []string{"p.go:5: T: exported, and has no comment"},
		},
		"a function past the hard limit": {
			source:   long,
			findings: []string{"p.go:4: F: 102 lines, want at most 100"},
		},
		"a file past the target": {
			source: "package p\n" + strings.Repeat("\n", 300),
			notes:  []string{"p.go: 301 lines, better at most 300"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			set := token.NewFileSet()
			file, err := parser.ParseFile(set, "p.go", tc.source, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			var s shapes
			s.file(set, file, "p.go")
			if !slices.Equal(s.findings, tc.findings) {
				t.Errorf("findings: got %q, want %q", s.findings, tc.findings)
			}
			if !slices.Equal(s.notes, tc.notes) {
				t.Errorf("notes: got %q, want %q", s.notes, tc.notes)
			}
		})
	}
}
