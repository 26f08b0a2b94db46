package dryrun

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"unicode"
)

// Text is the answer for a terminal.
func (a *Answer) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "configuration %s, revision %s%s\n", a.Configuration.Hash, a.Configuration.Revision, from(a.Configuration))
	for _, warning := range a.Warnings {
		fmt.Fprintf(&b, "warning: %s\n", warning)
	}
	for i := range a.Pods {
		b.WriteString("\n")
		a.Pods[i].text(&b)
	}
	for _, other := range a.Others {
		fmt.Fprintf(&b, "\n%s: has no pod, so there is nothing to inject\n", other)
	}
	return printable(b.String())
}

// Table is the answer with a line for each pod.
func (a *Answer) Table() string {
	var b strings.Builder
	table := tabwriter.NewWriter(&b, 0, 0, 3, ' ', 0)
	fmt.Fprintln(table, "NAMESPACE\tKIND\tNAME\tVERDICT\tREASON\tWHY")
	for _, p := range a.Pods {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", p.Manifest.Namespace, p.Manifest.Kind, p.Manifest.Name, p.Outcome.Verdict, p.Outcome.Reason, p.Outcome.Sentence)
	}
	_ = table.Flush() // to memory
	return printable(b.String())
}

func from(c Configuration) string {
	var b strings.Builder
	if c.From != "" {
		b.WriteString(", from " + c.From)
	}
	if c.Since != "" {
		b.WriteString(", since " + c.Since)
	}
	if len(c.Assumed) > 0 {
		b.WriteString(", but for " + strings.Join(c.Assumed, ", ") + " of the question")
	}
	return b.String()
}

// String is "Kind namespace/name".
func (m Manifest) String() string {
	if m.Namespace == "" {
		return m.Kind + " " + m.Name
	}
	return m.Kind + " " + m.Namespace + "/" + m.Name
}

func (p *Pod) text(b *strings.Builder) {
	fmt.Fprintf(b, "%s: %s, %s\n  %s\n\n", p.Manifest, strings.ToUpper(p.Outcome.Verdict), p.Outcome.Reason, p.Outcome.Sentence)
	facts := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	for _, fact := range p.facts() {
		fmt.Fprintf(facts, "  %s\t%s\n", fact[0], fact[1])
	}
	_ = facts.Flush() // to memory
	p.traceText(b)
	for _, warning := range p.Warnings {
		fmt.Fprintf(b, "  warning: %s\n", warning)
	}
	for _, check := range p.Checks {
		fmt.Fprintf(b, "  %s\n", check)
	}
	if p.Diff != "" {
		b.WriteString("\n" + p.Diff)
	}
}

// facts are the short ones about a pod, each with its name.
func (p *Pod) facts() [][2]string {
	facts := [][2]string{
		{"namespace", p.Namespace.String()},
		{"called", p.Call.String()},
	}
	for _, other := range p.Call.Others {
		facts = append(facts, [2]string{"also called", other.id()})
	}
	for _, t := range p.Templates {
		facts = append(facts, [2]string{"template", fmt.Sprintf("%s (%s), by %s", t.Name, t.Source, t.Why)})
	}
	if p.Native != nil {
		facts = append(facts, [2]string{"native sidecar", fmt.Sprintf("%t: %s", p.Native.Sidecar, p.Native.Why)})
	}
	if p.Outcome.Verdict == "inject" {
		facts = append(facts, [2]string{"starts", order(p.StartOrder.After)}, [2]string{"patch", fmt.Sprintf("%d operations", len(p.Patch))})
	}
	return facts
}

func (p *Pod) traceText(b *strings.Builder) {
	b.WriteString("\n")
	table := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	for _, step := range p.Trace {
		mark := " "
		if step.Deciding {
			mark = ">"
		}
		fmt.Fprintf(table, "%s %s\t%s\t%s\t%s\n", mark, step.Stage, step.Rule, step.Outcome, step.Input)
	}
	_ = table.Flush() // to memory
	if len(p.Warnings)+len(p.Checks) > 0 {
		b.WriteString("\n")
	}
}

// String is "name (whence): label=value".
func (n Namespace) String() string {
	var labels []string
	for _, key := range slices.Sorted(maps.Keys(n.Labels)) {
		if key != "kubernetes.io/metadata.name" {
			labels = append(labels, key+"="+n.Labels[key])
		}
	}
	if len(labels) == 0 {
		labels = []string{"no labels"}
	}
	if n.From == "unknown" {
		labels = []string{"its labels are not known, it counts as enabled"}
	}
	return fmt.Sprintf("%s (%s): %s", n.Name, n.From, strings.Join(labels, ", "))
}

// String says who calls, or why nobody does.
func (c Call) String() string {
	switch {
	case c.By != "":
		return fmt.Sprintf("by %s (%s)", c.By, c.From)
	case c.Called:
		return "yes (assumed)"
	}
	return fmt.Sprintf("no (%s): %s", c.From, c.Why)
}

// String is a line about a check.
func (c Check) String() string {
	text := c.By + " " + c.Name + ": " + c.Verdict
	for _, sentence := range c.Sentences {
		text += "\n      " + sentence
	}
	if c.ByInjection {
		text += "\n      (without the sidecar the pod would pass)"
	}
	return text
}

// order is containers in their order of start.
func order(all []Container) string {
	parts := make([]string, len(all))
	for i, c := range all {
		parts[i] = c.Name
		if c.Kind != "container" {
			parts[i] += " (" + c.Kind + ")"
		}
	}
	return strings.Join(parts, ", ")
}

// printable keeps what a manifest says from moving the reader's cursor.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && r != '\t' && (unicode.IsControl(r) || r == 0x2028 || r == 0x2029) {
			return '�'
		}
		return r
	}, text)
}
