package main

import (
	"context"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
)

// Lines of a file and of a function: past the first number lint says so, past
// the second it fails. Tests are exempt: a table of cases is as long as it is.
const (
	longFile, tooLongFile = 300, 400
	longFunc, tooLongFunc = 60, 100
)

// shape holds the code against the sizes above, and wants a comment on every
// package and every exported name.
func shape(_ context.Context, m module) (findings, notes []string, err error) {
	var s shapes
	for _, f := range m.files {
		if strings.HasSuffix(f, "_test.go") || strings.Contains(f, "testdata/") {
			continue
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, filepath.Join(m.root, f), nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, nil, err
		}
		s.file(set, file, f)
	}
	for dir, documented := range s.packages {
		if !documented {
			s.findings = append(s.findings, dir+": the package has no comment that says what it is for")
		}
	}
	return s.findings, s.notes, nil
}

// shapes collects what is found in the files of a module.
type shapes struct {
	findings, notes []string
	// packages says of each folder whether a file in it documents the package.
	packages map[string]bool
}

func (s *shapes) file(set *token.FileSet, file *ast.File, name string) {
	if s.packages == nil {
		s.packages = map[string]bool{}
	}
	s.packages[filepath.Dir(name)] = s.packages[filepath.Dir(name)] || file.Doc != nil
	s.size(set.Position(file.FileEnd).Line, longFile, tooLongFile, name)
	for _, decl := range file.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			at := fmt.Sprintf("%s:%d: %s", name, set.Position(d.Pos()).Line, d.Name.Name)
			s.size(set.Position(d.End()).Line-set.Position(d.Pos()).Line+1, longFunc, tooLongFunc, at)
			if d.Name.IsExported() && d.Doc == nil && !hidden(d.Recv) {
				s.findings = append(s.findings, at+": exported, and has no comment")
			}
		case *ast.GenDecl:
			s.names(set, d, name)
		}
	}
}

// names looks at constants, variables and types. A comment on a group is one on
// each of its constants and variables, but not on its types.
func (s *shapes) names(set *token.FileSet, d *ast.GenDecl, name string) {
	for _, spec := range d.Specs {
		var idents []*ast.Ident
		documented := d.Doc != nil
		switch spec := spec.(type) {
		case *ast.ValueSpec:
			idents = spec.Names
			documented = documented || spec.Doc != nil || spec.Comment != nil
		case *ast.TypeSpec:
			idents = []*ast.Ident{spec.Name}
			documented = spec.Doc != nil || (documented && !d.Lparen.IsValid())
		}
		for _, id := range idents {
			if id.IsExported() && !documented {
				s.findings = append(s.findings, fmt.Sprintf("%s:%d: %s: exported, and has no comment",
					name, set.Position(id.Pos()).Line, id.Name))
			}
		}
	}
}

func (s *shapes) size(lines, long, tooLong int, what string) {
	switch {
	case lines > tooLong:
		s.findings = append(s.findings, fmt.Sprintf("%s: %d lines, want at most %d", what, lines, tooLong))
	case lines > long:
		s.notes = append(s.notes, fmt.Sprintf("%s: %d lines, better at most %d", what, lines, long))
	}
}

// hidden says whether a receiver's type is one that nobody outside can name.
func hidden(recv *ast.FieldList) bool {
	if recv == nil {
		return false
	}
	t := recv.List[0].Type
	for {
		switch x := t.(type) {
		case *ast.StarExpr:
			t = x.X
		case *ast.IndexExpr:
			t = x.X
		case *ast.IndexListExpr:
			t = x.X
		case *ast.Ident:
			return !x.IsExported()
		default:
			return false
		}
	}
}
