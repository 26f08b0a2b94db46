package cluster_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"outrigger.dev/outrigger/internal/cluster"
)

// What the API server says of a webhook that it does not reach is told apart.
func TestExplained(t *testing.T) {
	for words, want := range map[string]string{
		`Post "https://x": dial tcp 10.0.0.1:443: connect: connection refused`: "refused",
		`no endpoints available for service "outrigger-injector"`:              "no-endpoints",
		`service "outrigger-injector" not found`:                               "no-service",
		`Address is not allowed`:                                               "address-not-allowed",
		`x509: certificate signed by unknown authority`:                        "wrong-ca",
		`x509: certificate is valid for a, not b`:                              "wrong-name",
		`context deadline exceeded`:                                            "timeout",
		`something new`:                                                        "unreachable",
	} {
		said := fmt.Errorf("%w: failed calling webhook: %s", cluster.ErrUnreachable, words)
		err := cluster.Explained(said, "mesh")
		var failed *cluster.Unreachable
		if !errors.As(err, &failed) || failed.Reason != want || failed.Cure == "" || !errors.Is(err, cluster.ErrUnreachable) || err.Error() != said.Error() {
			t.Errorf("%s: %v, want %s", words, err, want)
		}
		if failed != nil && strings.Contains(failed.Cure, "NAMESPACE") {
			t.Errorf("%s: the cure is for no namespace: %s", words, failed.Cure)
		}
	}
	if other := errors.New("forbidden"); cluster.Explained(other, "mesh") != other || cluster.Explained(nil, "mesh") != nil {
		t.Error("what is not about reaching is explained")
	}
}
