package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"outrigger.dev/outrigger/internal/analyze"
)

// An analysis is what was found, and in how much.
type analysis struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Looked     looked `json:"looked"`
	// Suppressed counts the findings of which nothing is said.
	Suppressed int               `json:"suppressed,omitempty"`
	Findings   []analyze.Finding `json:"findings"`
	// Unseen says what could not be read.
	Unseen []string `json:"unseen,omitempty"`
}

// looked is what was looked at.
type looked struct {
	Namespaces int `json:"namespaces"`
	Workloads  int `json:"workloads"`
	Pods       int `json:"pods"`
	Files      int `json:"files,omitempty"`
}

// newAnalysis sums up.
func newAnalysis(ctx context.Context, scene *analyze.Scene, findings []analyze.Finding, silenced []analyze.Suppression, files int) *analysis {
	a := &analysis{APIVersion: "cli.outrigger.dev/v1", Kind: "Analysis", Looked: looked{Files: files}, Findings: []analyze.Finding{}}
	namespaces := map[string]bool{}
	pods, _ := scene.Pods(ctx) // what cannot be read has been told of
	for _, p := range pods {
		namespaces[p.Namespace] = true
		if p.Running {
			a.Looked.Pods++
		} else {
			a.Looked.Workloads++
		}
	}
	for _, o := range scene.Objects {
		if o.Kind == "Namespace" {
			namespaces[o.Name] = true
		}
	}
	a.Looked.Namespaces = len(namespaces)
	for _, f := range findings {
		if suppressed(silenced, f) {
			a.Suppressed++
			continue
		}
		a.Findings = append(a.Findings, f)
	}
	for _, u := range scene.Unseen {
		a.Unseen = append(a.Unseen, u.Error())
	}
	return a
}

func suppressed(all []analyze.Suppression, f analyze.Finding) bool {
	for _, s := range all {
		if s.Suppresses(f) {
			return true
		}
	}
	return false
}

// reaches says whether there is a finding as bad as a severity.
func (a *analysis) reaches(threshold analyze.Severity) bool {
	for _, f := range a.Findings {
		if f.Severity.AtLeast(threshold) {
			return true
		}
	}
	return false
}

// print writes an analysis as the flag says.
func (f *analyzeFlags) print(cmd *cobra.Command, a *analysis) error {
	w := cmd.OutOrStdout()
	switch f.output.value {
	case "json", "yaml":
		return printAs(w, f.output.value, a)
	case "sarif":
		return printAs(w, "json", analyze.SARIF(a.Findings, version()))
	}
	write := logLine
	if f.output.value == "" && onTerminal(w) {
		write = listed
	}
	for _, finding := range a.Findings {
		if _, err := io.WriteString(w, write(w, finding)); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(cmd.ErrOrStderr(), "note: %s\n", a.summary())
	return err
}

// severityColors are those of severities.
var severityColors = map[analyze.Severity]string{analyze.Error: red, analyze.Warning: yellow, analyze.Info: cyan}

// logLine is a finding on a line, and what to do about it on the next.
func logLine(w io.Writer, f analyze.Finding) string {
	severity := strings.ToUpper(string(f.Severity[:1])) + string(f.Severity[1:])
	line := fmt.Sprintf("%s [%s] (%s) %s\n", painted(w, severityColors[f.Severity], severity), f.Code, printable(f.Object.String()), printable(f.Message))
	if f.Fix != "" {
		line += "  fix: " + printable(f.Fix) + "\n"
	}
	return line
}

// listed is a finding for a terminal: what it is about, and indented what is wrong and
// what to do.
func listed(w io.Writer, f analyze.Finding) string {
	severity := painted(w, severityColors[f.Severity], fmt.Sprintf("%-7s", f.Severity))
	text := fmt.Sprintf("%s  %s  %s\n         %s\n", severity, f.Code, printable(f.Object.String()), printable(f.Message))
	if f.Fix != "" {
		text += "         fix: " + painted(w, cyan, printable(f.Fix)) + "\n"
	}
	return text
}

// summary says how much was looked at, and how much was found.
func (a *analysis) summary() string {
	var at []string
	for _, part := range []struct {
		n    int
		name string
	}{{a.Looked.Files, "file"}, {a.Looked.Namespaces, "namespace"}, {a.Looked.Workloads, "workload"}, {a.Looked.Pods, "pod"}} {
		if part.n > 0 {
			at = append(at, count(part.n, part.name))
		}
	}
	found := "nothing is wrong"
	if n := len(a.Findings); n > 0 {
		found = count(n, "finding")
	}
	if a.Suppressed > 0 {
		found += fmt.Sprintf(" beside %d suppressed", a.Suppressed)
	}
	if len(at) == 0 {
		return found + ": there was nothing to look at"
	}
	return found + " in " + strings.Join(at, ", ")
}

// printAnalyzers lists what may be found.
func printAnalyzers(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, a := range analyze.Analyzers() {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", a.Code, a.Severity, a.Name, a.About)
	}
	return table.Flush()
}
