package cluster_test

import (
	"testing"

	"outrigger.dev/outrigger/internal/cluster"
)

// A bridge is told from every other webhook configuration by its name.
func TestBridgesAreFoundByTheirNames(t *testing.T) {
	for name, want := range map[string]string{
		cluster.BridgeName("prod"): "prod",
		"outrigger-tag-prod":       "",
		"outrigger-injector":       "",
		"prod.moving":              "",
	} {
		if got := cluster.BridgedTag(name); got != want {
			t.Errorf("%s stands in for %q, want %q", name, got, want)
		}
	}
}
