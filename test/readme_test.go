package test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// pages are the files whose commands, flags and paths have to exist.
var pages = []string{"../README.md", "../CONTRIBUTING.md", "../SECURITY.md", "../docs/operating.md", "../docs/availability.md"}

func TestPagesNameWhatExists(t *testing.T) {
	makefile := read(t, "../Makefile")
	for _, page := range pages {
		text := read(t, page)
		for _, m := range regexp.MustCompile(`\bmake ([a-z][a-z0-9-]*)\b`).FindAllStringSubmatch(codeOf(text), -1) {
			if !regexp.MustCompile(`(?m)^` + m[1] + `:.* ## `).MatchString(makefile) {
				t.Errorf("%s: make %s: the Makefile has no such target", page, m[1])
			}
		}
		for _, m := range regexp.MustCompile(`\]\(([^)#:]+)\)`).FindAllStringSubmatch(text, -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), m[1])); err != nil {
				t.Errorf("%s: a link leads nowhere: %v", page, err)
			}
		}
	}
}

// codeOf is what a page has as code, inline or in blocks.
func codeOf(page string) string {
	return strings.Join(regexp.MustCompile("(?s)```.*?```|`[^`\n]+`|(?m)^    .*$").FindAllString(page, -1), "\n")
}

func TestReadmeHasTheRulesInTheirOrder(t *testing.T) {
	var want, got []string
	for _, step := range (example{pod: "{}"}).decide(t).Trace {
		want = append(want, string(step.Rule))
		if step.Outcome != "" {
			break // what follows is about how, not whether
		}
	}
	_, table, _ := strings.Cut(read(t, pages[0]), "| reason | looks at | decides |")
	table, _, _ = strings.Cut(table, "\n\n")
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z-]+)` ").FindAllStringSubmatch(table, -1) {
		got = append(got, m[1])
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("README.md: rules (-decided +written):\n%s", diff)
	}
}

func TestValuesThatTheReadmeSetsExist(t *testing.T) {
	values := read(t, "../charts/outrigger/values.yaml")
	set := regexp.MustCompile("(?:--set |`)((?:[a-z][A-Za-z]*\\.)+[a-zA-Z]+)(/?)").FindAllStringSubmatch(read(t, pages[0]), -1)
	known := 0
	for _, m := range set {
		path := strings.Split(m[1], ".")
		if m[2] == "/" || !strings.Contains(values, "\n"+path[0]+":\n") {
			continue // a label, a file or a field of a pod
		}
		known++
		if last := path[len(path)-1]; !strings.Contains(values, "  "+last+":") {
			t.Errorf("README.md: value %s: the chart has none of that name", m[1])
		}
	}
	if known == 0 {
		t.Error("README.md sets no value of the chart: this test looks for the wrong thing")
	}
}

// A session is a command line in a console block of the README, and what it
// prints; "..." stands for lines that are left out.
type session struct {
	command string
	output  []string
}

// sessions finds the sessions of the command line, which can be run anywhere.
func sessions(page string) []session {
	var found []session
	for _, block := range regexp.MustCompile("(?s)```console\n(.*?)```").FindAllStringSubmatch(page, -1) {
		lines := strings.Split(strings.TrimSuffix(block[1], "\n"), "\n")
		if command, ok := strings.CutPrefix(lines[0], "$ go run "); ok {
			found = append(found, session{command, lines[1:]})
		}
	}
	return found
}

func TestReadmeSessionsPrintWhatTheySay(t *testing.T) {
	all := sessions(read(t, pages[0]))
	if len(all) == 0 {
		t.Fatal("README.md: no session that can be run")
	}
	for _, s := range all {
		run := exec.CommandContext(t.Context(), "go", append([]string{"run"}, strings.Fields(s.command)...)...)
		run.Dir = ".."
		out, err := run.CombinedOutput()
		if err != nil {
			t.Errorf("go run %s: %v\n%s", s.command, err, out)
			continue
		}
		got := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
		if !matches(s.output, got) {
			t.Errorf("go run %s: the README says\n%s\nand it prints\n%s", s.command, strings.Join(s.output, "\n"), out)
		}
	}
}

// matches compares lines. A line "..." in want stands for any number of them.
func matches(want, got []string) bool {
	i := slices.Index(want, "...")
	if i < 0 {
		return slices.Equal(want, got)
	}
	if len(got) < i || !slices.Equal(want[:i], got[:i]) {
		return false
	}
	for skip := i; skip <= len(got); skip++ {
		if matches(want[i+1:], got[skip:]) {
			return true
		}
	}
	return false
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
