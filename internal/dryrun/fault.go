package dryrun

import (
	"fmt"
	"strings"
)

// ErrorsKind is the kind of a [Faults] in a reply.
const ErrorsKind = "Errors"

// A Faults says why a question cannot be answered. It is an error, and the body of
// the reply to such a question.
type Faults struct {
	// APIVersion is "dryrun.outrigger.dev/v1" and Kind "Errors".
	APIVersion string  `json:"apiVersion"`
	Kind       string  `json:"kind"`
	Errors     []Fault `json:"errors"`
	// Code is the HTTP status.
	Code int `json:"code"`
}

// A Fault is one thing that is wrong with a question.
type Fault struct {
	// Document counts from 1; 0 where it is no fault of the manifest.
	Document int `json:"document,omitempty"`
	// Line and Column count from 1 in the manifest: where what is wrong stands, or
	// what it stands in; 0 where that is not known.
	Line   int `json:"line,omitempty"`
	Column int `json:"column,omitempty"`
	// Message has the subject first, then what is wrong, then what is wanted.
	Message string `json:"message"`
}

// String is the message behind its place, as far as that is known.
func (f Fault) String() string {
	switch {
	case f.Document > 0 && f.Line > 0:
		return fmt.Sprintf("document %d: line %d, column %d: %s", f.Document, f.Line, f.Column, f.Message)
	case f.Document > 0:
		return fmt.Sprintf("document %d: %s", f.Document, f.Message)
	}
	return f.Message
}

// Error is the faults, one a line.
func (f *Faults) Error() string {
	lines := make([]string, len(f.Errors))
	for i, fault := range f.Errors {
		lines[i] = fault.String()
	}
	return strings.Join(lines, "\n")
}

func faulty(code int, faults ...Fault) *Faults {
	return &Faults{APIVersion: APIVersion, Kind: ErrorsKind, Code: code, Errors: faults}
}

func refuse(code int, format string, args ...any) *Faults {
	return faulty(code, Fault{Message: fmt.Sprintf(format, args...)})
}
