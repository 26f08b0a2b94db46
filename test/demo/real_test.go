// Inside the package: the program's output is its whole interface.
package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"outrigger.dev/outrigger/test/controlplane/binaries"
)

// TestReal takes every step, takes them all again, and ends the cluster. It has a cache of its
// own; Kubernetes' programs are the ones of the real cache. There is one cluster on a machine
// at a time, though: with one up it fails, and says so.
func TestReal(t *testing.T) {
	cache, err := binaries.Cache()
	if err != nil {
		t.Fatal(err)
	}
	own := t.TempDir()
	if err := os.Symlink(filepath.Join(cache, "controlplane"), filepath.Join(own, "controlplane")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("OUTRIGGER_CACHE", own)

	var out strings.Builder
	r, err := newReal(&out)
	if err != nil {
		t.Fatal(err)
	}
	skipWithoutNode(t, r)
	t.Cleanup(func() {
		if err := r.quiet(context.Background(), "make cluster-down", io.Discard); err != nil {
			t.Error(err)
		}
	})
	for _, time := range []string{"the first time", "once more"} {
		out.Reset()
		if err := r.up(t.Context()); err != nil {
			t.Fatalf("%s: %v\n%s", time, err, out.String())
		}
		for _, want := range []string{
			`(?m)^  my-web-\S+ +2/2 +Running `,
			`(?m)^    istio-proxy +native sidecar .* added by Outrigger$`,
			`(?m)^    app +container .* yours$`,
			`(?m)^  hello from my-web-`,
			`(?m)^  standin_connections_total\{direction="inbound",port="8080"\} [1-9]`,
			`(?m)^    export KUBECONFIG=/`,
		} {
			if !regexp.MustCompile(want).MatchString(out.String()) {
				t.Errorf("%s: %s is not in what it prints:\n%s", time, want, out.String())
			}
		}
	}
	t.Log(out.String())
}

// skipWithoutNode skips the test where there can be no node, which the command says that
// builds its programs.
func skipWithoutNode(t *testing.T, r *real) {
	t.Helper()
	if said, err := r.output(t.Context(), "go run -C test/cluster ./cmd/cluster build"); err != nil {
		t.Fatal(err)
	} else if text, nothing := strings.CutPrefix(string(said), "nothing is built: "); nothing {
		t.Skip("needs a cluster: ", text)
	}
}
