// Inside the package: the list of tests is the suite's own.
package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A test that was renamed would be left out of the matrix, and nobody would notice.
func TestMatrixNamesTestsThatAreThere(t *testing.T) {
	var source strings.Builder
	for _, pattern := range []string{"../../test/e2e/*_test.go", "../../test/e2e/chart/*_test.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: no files (%v)", pattern, err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			source.Write(text)
		}
	}
	for _, name := range everywhere {
		if !strings.Contains(source.String(), "\nfunc "+name+"(t *testing.T) {\n") {
			t.Errorf("%s: no such test in test/e2e", name)
		}
	}
}
