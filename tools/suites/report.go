package main

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// A report writes for a person who watches and for one who reads the end of a
// log: packages as they end, failures in full, then a table and one last line.
// What runs at the same time may write to it at the same time: each of its
// methods but begin, end and finish prints once.
type report struct {
	out io.Writer
	// verbose shows packages without tests as well.
	verbose bool
	rows    []row
}

// A row is a suite and how it went. err says why it could not be run.
type row struct {
	suite string
	tally tally
	err   error
}

func (r *report) print(text string) { fmt.Fprint(r.out, text) }

func (r *report) begin(s suite) {
	fmt.Fprintf(r.out, "\n=== %s: %s\n", s.name, s.about)
}

// end records how a suite went.
func (r *report) end(s suite, t tally, err error) {
	if err != nil {
		t.failed++
		fmt.Fprintf(r.out, "FAIL  suite %q: %v\n", s.name, err)
	}
	r.rows = append(r.rows, row{s.name, t, err})
}

// pkg prints the line of a package that has ended.
func (r *report) pkg(e event, t tally) {
	if e.Action == "skip" && !r.verbose {
		return
	}
	word := map[string]string{"pass": "ok", "fail": "FAIL", "skip": "none"}[e.Action]
	fmt.Fprintf(r.out, "%-4s  %-60s %8s  %s\n", word, e.Package, short(t.took), t.counts())
}

// test prints the line of a test that has ended.
func (r *report) test(e event) {
	fmt.Fprintf(r.out, "      %s  %s  %s\n", e.Action, e.Test, short(time.Duration(e.Elapsed*float64(time.Second))))
}

// failure prints all that a failed test said, at once: others may be running.
func (r *report) failure(pkg, test, output string) {
	var b strings.Builder
	fmt.Fprintf(&b, "FAIL  %s\n", strings.TrimSuffix(pkg+" "+test, " "))
	for line := range strings.Lines(said(output)) {
		fmt.Fprintf(&b, "      %s\n", strings.TrimSuffix(line, "\n"))
	}
	r.print(b.String())
}

// finish prints the table, what tests have to say, the skips with their reasons,
// and last of all a line that a program can read. It says whether all is well.
func (r *report) finish() bool {
	var sum tally
	const line = "%-14s %8v %8v %8v %10v\n"
	fmt.Fprintf(r.out, "\n"+line, "suite", "passed", "failed", "skipped", "wall time")
	for _, row := range r.rows {
		t := row.tally
		fmt.Fprintf(r.out, line, row.suite, t.passed, t.failed, len(t.skipped), short(t.took))
		sum.add(t)
	}
	fmt.Fprintf(r.out, line, "all", sum.passed, sum.failed, len(sum.skipped), short(sum.took))
	fmt.Fprintln(r.out)
	for _, row := range r.rows {
		for _, summary := range row.tally.summaries {
			fmt.Fprintf(r.out, "%s: %s\n", row.suite, summary)
		}
	}
	for _, row := range r.rows {
		r.skips(row)
	}
	fmt.Fprintf(r.out, "%d passed, %d failed, %d skipped\n", sum.passed, sum.failed, len(sum.skipped))
	return sum.failed == 0
}

// skips prints what a suite left out, a line for each test and reason.
func (r *report) skips(row row) {
	var lines []string
	times := map[string]int{}
	for _, s := range row.tally.skipped {
		line := fmt.Sprintf("%s: %s: %s", row.suite, s.top(), s.why)
		if times[line]++; times[line] == 1 {
			lines = append(lines, line)
		}
	}
	for _, line := range lines {
		fmt.Fprintf(r.out, "SKIPPED  %d  %s\n", times[line], line)
	}
}

// counts is the tally in words, without what is none.
func (t tally) counts() string {
	var words []string
	for _, c := range []struct {
		n    int
		what string
	}{{t.passed, "passed"}, {t.failed, "failed"}, {len(t.skipped), "SKIPPED"}} {
		if c.n > 0 {
			words = append(words, fmt.Sprintf("%d %s", c.n, c.what))
		}
	}
	return strings.Join(words, ", ")
}

// short is a duration as people write it: tenths below a minute, seconds above.
func short(d time.Duration) string {
	if d < time.Minute {
		return fmt.Sprintf("%.1fs", d.Seconds())
	}
	d = d.Round(time.Second)
	return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
}
