package test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// What docs/availability.md promises is proved by tests that exist: each row of its table
// names some, and they are where "make test" finds them.
func TestAvailabilityPageNamesTestsThatExist(t *testing.T) {
	have := testsOf(t, "..")
	rows := regexp.MustCompile(`(?m)^\| \*\*(\d+)\.\*\* .*\| ([^|]*) \|$`).FindAllStringSubmatch(read(t, "../docs/availability.md"), -1)
	for n, row := range rows {
		if row[1] != fmt.Sprint(n+1) {
			t.Errorf("row %d has the number %s", n+1, row[1])
		}
		named := regexp.MustCompile("`(Test\\w+)`").FindAllStringSubmatch(row[2], -1)
		if len(named) == 0 {
			t.Errorf("row %s: no test proves it", row[1])
		}
		for _, test := range named {
			if !have[test[1]] {
				t.Errorf("row %s: there is no test %s", row[1], test[1])
			}
		}
	}
	if len(rows) != 14 {
		t.Errorf("%d rows, want 14", len(rows))
	}
}

// testsOf are the tests below a folder, by name.
func testsOf(t *testing.T, root string) map[string]bool {
	t.Helper()
	have := map[string]bool{}
	declared := regexp.MustCompile(`(?m)^func (Test\w+)\(t \*testing\.T\) \{$`)
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != root && strings.HasPrefix(entry.Name(), "."):
			return fs.SkipDir
		case !strings.HasSuffix(path, "_test.go"):
			return nil
		}
		text, err := os.ReadFile(path)
		for _, test := range declared.FindAllStringSubmatch(string(text), -1) {
			have[test[1]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return have
}
