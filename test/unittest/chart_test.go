package unittest

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/helm-unittest/helm-unittest/pkg/unittest"
	"github.com/helm-unittest/helm-unittest/pkg/unittest/printer"
)

const chart = "../../charts/outrigger"

func TestChart(t *testing.T) {
	suites, err := filepath.Glob("../../charts/unittest/*.yaml")
	if err != nil || len(suites) == 0 {
		t.Fatalf("%d suites, %v", len(suites), err)
	}
	for _, suite := range suites {
		t.Run(strings.TrimSuffix(filepath.Base(suite), ".yaml"), func(t *testing.T) {
			var said bytes.Buffer
			colored := false
			runner := unittest.TestRunner{
				Printer: printer.NewPrinter(&said, &colored), Strict: true,
				TestFiles: []string{filepath.Join("..", "unittest", filepath.Base(suite))},
			}
			if !runner.RunV3([]string{chart}) {
				t.Fatalf("\n%s", &said)
			}
			if !strings.Contains(said.String(), "1 passed, 1 total") {
				t.Errorf("not one suite ran:\n%s", &said)
			}
		})
	}
}
