// Inside the package: what is under test is how events are counted, and only
// the program calls it.
package main

import (
	"slices"
	"strings"
	"testing"
)

func TestCount(t *testing.T) {
	for name, tc := range map[string]struct {
		events string
		counts string
		says   []string
	}{
		"tests pass": {
			events: `
{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"pass","Package":"p","Elapsed":1.5}`,
			counts: "1 passed",
			says:   []string{"ok    p ", "1.5s  1 passed"},
		},
		"a test with subtests counts as those, also where their names have slashes": {
			events: `
{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"run","Package":"p","Test":"TestA/one/two"}
{"Action":"output","Package":"p","Test":"TestA/one/two","Output":"    a_test.go:7: got 1, want 2\n"}
{"Action":"fail","Package":"p","Test":"TestA/one/two"}
{"Action":"run","Package":"p","Test":"TestA/three"}
{"Action":"pass","Package":"p","Test":"TestA/three"}
{"Action":"fail","Package":"p","Test":"TestA"}
{"Action":"fail","Package":"p"}`,
			counts: "1 passed, 1 failed",
			says:   []string{"FAIL  p TestA/one/two\n", "a_test.go:7: got 1, want 2"},
		},
		"a test fails on its own account after its subtests passed": {
			events: `
{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"run","Package":"p","Test":"TestA/one"}
{"Action":"pass","Package":"p","Test":"TestA/one"}
{"Action":"fail","Package":"p","Test":"TestA"}
{"Action":"fail","Package":"p"}`,
			counts: "1 passed, 1 failed",
		},
		"a skip carries its reason": {
			events: `
{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestA","Output":"=== RUN   TestA\n"}
{"Action":"output","Package":"p","Test":"TestA","Output":"    a_test.go:7: no such folder\n"}
{"Action":"output","Package":"p","Test":"TestA","Output":"--- SKIP: TestA (0.00s)\n"}
{"Action":"skip","Package":"p","Test":"TestA"}
{"Action":"pass","Package":"p"}`,
			counts: "1 SKIPPED",
			says:   []string{"SKIPPED  1  s: TestA: no such folder\n0 passed, 0 failed, 1 skipped\n"},
		},
		"a test has something to say of itself": {
			events: `
{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"attr","Package":"p","Test":"TestA","Key":"summary","Value":"3 of 3 cases"}
{"Action":"attr","Package":"p","Test":"TestA","Key":"colour","Value":"blue"}
{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"pass","Package":"p"}`,
			counts: "1 passed",
			says:   []string{"\n\ns: 3 of 3 cases\n1 passed"},
		},
		"skips of one test for one reason are one line": {
			events: `
{"Action":"run","Package":"p","Test":"FuzzA"}
{"Action":"run","Package":"p","Test":"FuzzA/seed#0"}
{"Action":"output","Package":"p","Test":"FuzzA/seed#0","Output":"        a_test.go:7: nothing to compare\n"}
{"Action":"skip","Package":"p","Test":"FuzzA/seed#0"}
{"Action":"run","Package":"p","Test":"FuzzA/seed#1"}
{"Action":"output","Package":"p","Test":"FuzzA/seed#1","Output":"        a_test.go:7: nothing to compare\n"}
{"Action":"skip","Package":"p","Test":"FuzzA/seed#1"}
{"Action":"pass","Package":"p","Test":"FuzzA"}
{"Action":"pass","Package":"p"}`,
			counts: "2 SKIPPED",
			says:   []string{"SKIPPED  2  s: FuzzA: nothing to compare\n"},
		},
		"a test that never ends has failed": {
			events: `
{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"run","Package":"p","Test":"TestB"}
{"Action":"output","Package":"p","Output":"panic: test timed out\n"}
{"Action":"fail","Package":"p"}`,
			counts: "1 passed, 1 failed",
			says:   []string{"FAIL  p TestB\n", "panic: test timed out"},
		},
		"a package that does not build has failed": {
			events: `
{"ImportPath":"p","Action":"build-output","Output":"p/p.go:3:1: undefined: x\n"}
{"ImportPath":"p","Action":"build-fail"}
{"Action":"fail","Package":"p","FailedBuild":"p"}`,
			counts: "1 failed",
			says:   []string{"undefined: x"},
		},
		"why a package does not build is said once": {
			events: `
{"ImportPath":"p","Action":"build-output","Output":"p/p.go:3:1: undefined: x\n"}
{"Action":"fail","Package":"p","FailedBuild":"p"}
{"Action":"fail","Package":"q","FailedBuild":"p"}`,
			counts: "2 failed",
			says:   []string{"FAIL  q\n      p does not build: see above\n"},
		},
		"a package without tests is not shown": {
			events: `{"Action":"skip","Package":"p"}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			rep := &report{out: &out}
			got := count(strings.NewReader(tc.events), rep, false)
			if got.counts() != tc.counts {
				t.Errorf("got %q, want %q", got.counts(), tc.counts)
			}
			rep.end(suite{name: "s"}, got, nil)
			if ok := rep.finish(); ok != (got.failed == 0) {
				t.Errorf("finish says %v with %d failed", ok, got.failed)
			}
			for _, want := range tc.says {
				if !strings.Contains(out.String(), want) {
					t.Errorf("%q is not in the output:\n%s", want, out.String())
				}
			}
		})
	}
}

func TestSuitesAreChosenByName(t *testing.T) {
	chosen, err := choose([]string{"e2e", "unit"})
	if err != nil || len(chosen) != 2 || chosen[0].name != "unit" {
		t.Errorf("got %v, %v, want unit, then e2e", chosen, err)
	}
	if all, err := choose(nil); err != nil || len(all) != len(suites)-1 || slices.ContainsFunc(all, func(s suite) bool { return s.named }) {
		t.Errorf("got %d suites and %v, want all without a name but the matrix", len(all), err)
	}
	if chosen, err = choose([]string{"matrix"}); err != nil || len(chosen) != 1 {
		t.Errorf("got %v, %v, want the matrix, where it is named", chosen, err)
	}
	if _, err := choose([]string{"unti"}); err == nil || !strings.Contains(err.Error(), `"unti"`) {
		t.Errorf("got %v, want the name that is wrong", err)
	}
}
