package analyze

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A Severity says how bad a finding is.
type Severity string

// Severities, the least first.
const (
	Info    Severity = "info"
	Warning Severity = "warning"
	Error   Severity = "error"
)

// severities are in their order.
var severities = []Severity{Info, Warning, Error}

// Severities returns them, the least first.
func Severities() []Severity { return slices.Clone(severities) }

// AtLeast says whether a severity is as bad as another, or worse.
func (s Severity) AtLeast(other Severity) bool {
	return slices.Index(severities, s) >= slices.Index(severities, other)
}

// A Finding is one thing that is wrong.
type Finding struct {
	// Code is stable: OUT0101. Name is its name for people: NamespaceNotInjected.
	Code     string   `json:"code"`
	Name     string   `json:"name"`
	Severity Severity `json:"severity"`
	Object   Subject  `json:"object"`
	// Message says what is wrong, with the evidence.
	Message string `json:"message"`
	// Fix is the command that mends it, or what to change; "" where that is not known.
	Fix string `json:"fix,omitempty"`
}

// A Subject is what a finding is about.
type Subject struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Namespace  string `json:"namespace,omitempty"`
	Name       string `json:"name"`
	// File and Line say where it is written; "" for an object of the cluster.
	File string `json:"file,omitempty"`
	Line int    `json:"line,omitempty"`
}

// String is "Kind namespace/name", and where that is written.
func (s Subject) String() string {
	if s.File != "" {
		return fmt.Sprintf("%s %s:%d", s.Identity(), s.File, s.Line)
	}
	return s.Identity()
}

// Identity is "Kind namespace/name", or "Kind name".
func (s Subject) Identity() string {
	if s.Namespace == "" {
		return s.Kind + " " + s.Name
	}
	return s.Kind + " " + s.Namespace + "/" + s.Name
}

// sorted puts the worst first; what is equally bad by object, and then by code.
func sorted(findings []Finding) []Finding {
	slices.SortStableFunc(findings, func(a, b Finding) int {
		return cmp.Or(
			cmp.Compare(slices.Index(severities, b.Severity), slices.Index(severities, a.Severity)),
			strings.Compare(a.Object.Namespace, b.Object.Namespace),
			strings.Compare(a.Object.Kind, b.Object.Kind),
			strings.Compare(a.Object.Name, b.Object.Name),
			strings.Compare(a.Code, b.Code),
		)
	})
	return findings
}
