// Inside the package: the program's output is its whole interface.
package main

import (
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"outrigger.dev/outrigger/test/controlplane/binaries"
)

// TestDemo takes every step, takes them all again, and stops what is up. It has
// a cache of its own, so that a demo that somebody has up is left alone; the
// control plane's programs are the ones of the real cache.
func TestDemo(t *testing.T) {
	cache, err := binaries.Cache()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := binaries.Build(t.Context(), os.Stderr); err != nil {
		t.Fatal(err)
	}
	own := t.TempDir()
	if err := os.Symlink(filepath.Join(cache, "controlplane"), filepath.Join(own, "controlplane")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("OUTRIGGER_CACHE", own)

	var out strings.Builder
	d, err := newDemo(&out)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.down(context.Background()); err != nil {
			t.Error(err)
		}
		if d.injector.runs() {
			t.Error("the server runs on after the demo is down")
		}
	})
	for _, time := range []string{"the first time", "once more"} {
		out.Reset()
		if err := d.up(t.Context()); err != nil {
			t.Fatalf("%s: %v\n%s", time, err, out.String())
		}
		for _, want := range []string{
			`(?m)^  my-nginx-\S+ +2/2 +Running `,
			`(?m)^    istio-proxy +native sidecar .* added by Outrigger$`,
			`(?m)^    nginx +container .* yours$`,
			`(?m)^    reason +policy$`,
			`(?m)^    export KUBECONFIG=/`,
			`(?m)^    xdg-open http://127\.0\.0\.1:\d+/$`,
		} {
			if !regexp.MustCompile(want).MatchString(out.String()) {
				t.Errorf("%s: %s is not in what it prints:\n%s", time, want, out.String())
			}
		}
		wantPage(t, d.dryRun)
	}
}

// wantPage wants the page of the dry run to be where the demo says.
func wantPage(t *testing.T, address string) {
	t.Helper()
	response, err := http.Get("http://" + address + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	page, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK || !strings.Contains(string(page), "<title>") {
		t.Errorf("the page: %s, %v: %s", response.Status, err, page)
	}
}
