package cluster_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"outrigger.dev/outrigger/inject"
	"outrigger.dev/outrigger/internal/cluster"
)

func TestFilesOfferEveryChange(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	versions := follow(t, &cluster.Files{Dir: dir})

	if v := <-versions; v.Err == nil || !strings.Contains(v.Err.Error(), filepath.Join(dir, "config")) {
		t.Errorf("an empty folder: offered %+v, want an error that names the file", v)
	}
	write("config", "a")
	if diff := cmp.Diff(cluster.Version{Sources: inject.Sources{Config: []byte("a")}}, <-versions); diff != "" {
		t.Errorf("config alone is enough (-want +got):\n%s", diff)
	}
	write("values", "{}")
	write("mesh", "m")
	want := cluster.Version{Sources: inject.Sources{Config: []byte("a"), Values: []byte("{}"), Mesh: []byte("m")}}
	if diff := cmp.Diff(want, <-versions); diff != "" {
		t.Errorf("all three (-want +got):\n%s", diff)
	}
	if err := os.Remove(filepath.Join(dir, "config")); err != nil {
		t.Fatal(err)
	}
	if v := <-versions; v.Err == nil {
		t.Errorf("config removed: offered %+v", v)
	}
}
