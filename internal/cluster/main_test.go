package cluster_test

import (
	"os"
	"testing"
)

// The fakes of client-go cannot stream a list, and do not say so where they are
// reached by a typed client: an informer would wait for the end of it for ever.
func TestMain(m *testing.M) {
	if err := os.Setenv("KUBE_FEATURE_WatchListClient", "false"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}
