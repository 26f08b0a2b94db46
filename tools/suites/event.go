package main

import (
	"bufio"
	"encoding/json"
	"io"
	"regexp"
	"strings"
	"time"
)

// An event is one line of "go test -json" (go doc test2json).
type event struct {
	Action  string
	Package string
	Test    string
	Elapsed float64
	Output  string
	// Key and Value are what a test says of itself (testing.T.Attr).
	Key, Value string
	// ImportPath is the package whose build an event is about.
	ImportPath string
	// FailedBuild is set on a package that failed because this one did not build.
	FailedBuild string
}

// A tally is what became of the tests of a suite. Only the innermost tests
// count: one with subtests counts as those, unless it failed on its own account.
type tally struct {
	passed, failed int
	skipped        []skip
	// summaries are what tests have to say that no count says: their attributes
	// of the key summary.
	summaries []string
	took      time.Duration
}

// A skip is a test that did not run, and why.
type skip struct{ test, why string }

// top is the name of the test that a skipped one is part of, or its own.
func (s skip) top() string {
	name, _, _ := strings.Cut(s.test, "/")
	return name
}

// add counts b's tests into t.
func (t *tally) add(b tally) {
	t.passed += b.passed
	t.failed += b.failed
	t.skipped = append(t.skipped, b.skipped...)
	t.summaries = append(t.summaries, b.summaries...)
	t.took += b.took
}

// A running package: what its tests said until it ended.
type running struct {
	tests  map[string]*test
	output strings.Builder
	tally  tally
}

// A test that has begun. end is "" until it has ended: what never ends was cut
// short by a panic, a time limit or an exit.
type test struct {
	end      string
	parent   bool
	childBad bool
	output   strings.Builder
}

// count reads events until their end, and reports each package as it ends.
func count(events io.Reader, rep *report, live bool) tally {
	var total tally
	packages := map[string]*running{}
	builds := map[string]*strings.Builder{}
	lines := bufio.NewReader(events)
	for {
		line, err := lines.ReadString('\n')
		var e event
		switch {
		case line == "" && err != nil:
			return total
		case json.Unmarshal([]byte(line), &e) != nil:
			rep.print(line)
		case e.ImportPath != "":
			build(builds, e.ImportPath).WriteString(e.Output)
		default:
			p := packages[e.Package]
			if p == nil {
				p = &running{tests: map[string]*test{}}
				packages[e.Package] = p
			}
			if e.Test != "" {
				p.note(e, rep, live)
			} else if p.ended(e, builds, rep) {
				total.add(p.tally)
			}
		}
	}
}

func build(builds map[string]*strings.Builder, path string) *strings.Builder {
	if builds[path] == nil {
		builds[path] = &strings.Builder{}
	}
	return builds[path]
}

// note takes in an event of one test.
func (p *running) note(e event, rep *report, live bool) {
	t := p.tests[e.Test]
	if t == nil {
		t = &test{}
		p.tests[e.Test] = t
		if up := p.around(e.Test); up != nil {
			up.parent = true
		}
	}
	switch e.Action {
	case "output":
		t.output.WriteString(e.Output)
	case "attr":
		if e.Key == "summary" {
			p.tally.summaries = append(p.tally.summaries, e.Value)
		}
	case "pass", "fail", "skip":
		t.end = e.Action
		p.settle(e, t, rep)
		if live && !strings.Contains(e.Test, "/") {
			rep.test(e)
		}
	}
}

// settle counts a test that has ended, and shows it if it failed.
func (p *running) settle(e event, t *test, rep *report) {
	switch {
	case e.Action == "fail":
		if up := p.around(e.Test); up != nil {
			up.childBad = true
		}
		if !t.childBad {
			p.tally.failed++
		}
		if !t.childBad || said(t.output.String()) != "" {
			rep.failure(e.Package, e.Test, t.output.String())
		}
	case t.parent:
	case e.Action == "skip":
		p.tally.skipped = append(p.tally.skipped, skip{e.Test, reason(t.output.String())})
	default:
		p.tally.passed++
	}
}

// ended takes in an event of the package itself and says whether it was the last.
func (p *running) ended(e event, builds map[string]*strings.Builder, rep *report) bool {
	switch e.Action {
	case "output":
		p.output.WriteString(e.Output)
		return false
	case "pass", "fail", "skip":
	default:
		return false
	}
	if e.FailedBuild != "" {
		said := build(builds, e.FailedBuild)
		p.output.Reset()
		p.output.WriteString(said.String())
		said.Reset() // for the next package that needs it, once is enough
		said.WriteString(e.FailedBuild + " does not build: see above\n")
	}
	if e.Action == "fail" {
		p.cutShort(e.Package, rep)
	}
	if e.Action == "fail" && p.tally.failed == 0 {
		p.tally.failed = 1
		rep.failure(e.Package, "", p.output.String())
	}
	p.tally.took = time.Duration(e.Elapsed * float64(time.Second))
	rep.pkg(e, p.tally)
	return true
}

// cutShort counts the innermost tests that began and never ended as failed.
func (p *running) cutShort(path string, rep *report) {
	for name, t := range p.tests {
		if t.end == "" && !t.parent {
			p.tally.failed++
			rep.failure(path, name, t.output.String()+p.output.String())
		}
	}
}

// around is the test that a subtest runs in, or nil. A subtest's own name may
// have slashes in it, so the next shorter name need not be a test.
func (p *running) around(name string) *test {
	for i := strings.LastIndexByte(name, '/'); i > 0; i = strings.LastIndexByte(name[:i], '/') {
		if t := p.tests[name[:i]]; t != nil {
			return t
		}
	}
	return nil
}

// said is what a test printed, without the marks that the testing package puts
// around it.
func said(output string) string {
	var b strings.Builder
	for line := range strings.Lines(output) {
		if mark := strings.TrimSpace(line); !strings.HasPrefix(mark, "=== ") && !strings.HasPrefix(mark, "--- ") {
			b.WriteString(line)
		}
	}
	return b.String()
}

// where matches the place that the testing package puts before what a test logs.
var where = regexp.MustCompile(`^\s+\S+\.go:\d+: `)

// reason finds what a skipped test said last.
func reason(output string) string {
	why := "no reason given"
	for line := range strings.Lines(output) {
		if where.MatchString(line) {
			why = strings.TrimSpace(where.ReplaceAllString(line, ""))
		}
	}
	return why
}
