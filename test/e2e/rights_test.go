package e2e_test

import (
	"os"
	"strings"
	"testing"

	"outrigger.dev/outrigger/test/e2e/injector"
)

// The rights that the chart gives are enough: no server has been refused
// anything, nor had anything else to complain of on a start without trouble.
func TestServerStartsWithoutComplaint(t *testing.T) {
	t.Parallel()
	for _, server := range []*injector.Injector{first, canary} {
		t.Run(server.Name(), func(t *testing.T) {
			text, err := os.ReadFile(server.Log())
			if err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(string(text)) {
				if strings.Contains(line, "msg=review") || strings.Contains(line, `msg="request refused"`) {
					break // other tests have begun, and give it reason to
				}
				if strings.Contains(line, "forbidden") || strings.Contains(line, "level=WARN") || strings.Contains(line, "level=ERROR") {
					t.Error(line)
				}
			}
			if len(text) == 0 {
				t.Error("the log is empty")
			}
		})
	}
}

// The last good configuration is kept where the chart made room for it.
func TestLastGoodConfigurationIsKept(t *testing.T) {
	t.Parallel()
	for _, server := range []*injector.Injector{first, canary} {
		of := func(name string) string {
			return kubectl(t, "get", "configmap", name, "--namespace", injector.Namespace, "-o", "jsonpath={.data}")
		}
		if got, want := of(server.LastGood()), of(server.ConfigMap()); got != want {
			t.Errorf("%s: kept %s, want %s", server.Name(), got, want)
		}
	}
}
