// Inside of package binaries: a test cannot build Kubernetes to see what becomes of a build
// that is cut short.
package binaries

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestVersionsComeFromTheModules(t *testing.T) {
	for _, p := range append(programs(kubernetes), nodePrograms()...) {
		version, err := p.project.version()
		if err != nil {
			t.Error(err)
		}
		if !regexp.MustCompile(`^v\d+\.\d+\.\d+$`).MatchString(version) {
			t.Errorf("%s: version %q, want a release", p.name, version)
		}
	}
	if _, err := (&project{path: "k8s.io/kube", module: "kubernetes"}).version(); err == nil {
		t.Error("a project of which only the beginning is required has a version")
	}
}

// The versions that the matrix runs on stay where they belong: at the edge of what the chart
// allows, and past what Outrigger knows.
func TestOtherVersionsAreOlderAndNewer(t *testing.T) {
	minor := func(text string, pattern string) int {
		t.Helper()
		found := regexp.MustCompile(pattern).FindStringSubmatch(text)
		if found == nil {
			t.Fatalf("no %s in:\n%s", pattern, text)
		}
		n, err := strconv.Atoi(found[1])
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	version := func(name string) string {
		t.Helper()
		t.Setenv("OUTRIGGER_TEST_KUBERNETES", name)
		project, err := tested()
		if err != nil {
			t.Fatal(err)
		}
		version, err := project.version()
		if err != nil {
			t.Fatal(err)
		}
		return version
	}
	allowed := minor(read(t, "../../../charts/outrigger/Chart.yaml"), `(?m)^kubeVersion: ">=1\.(\d+)\.0-0"$`)
	if got, want := version("oldest"), fmt.Sprintf("v1.%d.0", allowed); got != want {
		t.Errorf("oldest: %s, and the chart allows %s", got, want)
	}
	known := minor(read(t, "../../../go.mod"), `(?m)^\tk8s\.io/api v0\.(\d+)\.`)
	if got := version("next"); minor(got, `^v1\.(\d+)\.0`) <= known {
		t.Errorf("next: %s, and Outrigger is built with k8s.io/api v0.%d", got, known)
	}
	t.Setenv("OUTRIGGER_TEST_KUBERNETES", "latest")
	if _, err := Build(t.Context(), io.Discard); err == nil || !strings.Contains(err.Error(), "OUTRIGGER_TEST_KUBERNETES=latest: want oldest, next") {
		t.Errorf("a version that is not there: %v", err)
	}
}

// read reads a file.
func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestAssetsAreUsedForWhatTheyHave(t *testing.T) {
	cache, assets := t.TempDir(), t.TempDir()
	t.Setenv("OUTRIGGER_CACHE", cache)
	t.Setenv("KUBEBUILDER_ASSETS", assets)
	b := builder{root: filepath.Join(cache, "controlplane")}
	want := Paths{}
	for _, p := range programs(kubernetes) {
		file, err := b.file(p)
		if err != nil {
			t.Fatal(err)
		}
		switch p.name {
		case "etcd", "kube-apiserver", "kubectl":
			file = filepath.Join(assets, p.name)
		}
		place(t, file)
		*p.path(&want) = file
	}
	var progress bytes.Buffer
	got, err := Build(t.Context(), &progress)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("paths (-want +got):\n%s", diff)
	}
	if progress.Len() > 0 {
		t.Errorf("progress: %q, want none, as nothing was to be built", &progress)
	}
}

func TestBuildThatIsCutShortLeavesNothing(t *testing.T) {
	root := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var progress bytes.Buffer
	b := builder{root: root, progress: &progress}
	if err := b.build(ctx, programs(kubernetes)[0], 1, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("error: %v, want %v", err, context.Canceled)
	}
	if left, _ := os.ReadDir(root); len(left) > 0 {
		t.Errorf("folder: %v, want nothing", left)
	}
	if !strings.HasSuffix(progress.String(), "stopped\n") {
		t.Errorf("progress: %q, want it to end the line", &progress)
	}
}

func TestOneProcessBuildsAndTheOthersWait(t *testing.T) {
	root := t.TempDir()
	unlock, err := (&builder{root: root, progress: io.Discard}).lock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var progress bytes.Buffer
	second := builder{root: root, progress: &progress}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := second.lock(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("second: %v, want it to wait", err)
	}
	if got := strings.Count(progress.String(), "waiting"); got != 1 {
		t.Errorf("progress: %q, want it to say once that it waits", &progress)
	}
	unlock()
	unlock, err = second.lock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	unlock()
}

func TestErrorOfABuildEndsInTheCompilersWords(t *testing.T) {
	folder := t.TempDir()
	write(t, filepath.Join(folder, "go.mod"), "module example.test/broken\n\ngo 1.26.0\n")
	write(t, filepath.Join(folder, "main.go"), "package main\n\nfunc main() { undefined() }\n")
	broken := program{name: "broken", project: &project{path: "example.test/broken"}}
	err := goBuild(t.Context(), folder, broken, "v1.0.0")
	if err == nil || !strings.HasSuffix(err.Error(), "undefined: undefined") {
		t.Errorf("error: %v, want it to end in what the compiler said", err)
	}
}

func TestModuleIsBuiltAgainWhenItHasChanged(t *testing.T) {
	t.Setenv("OUTRIGGER_CACHE", t.TempDir())
	folder := filepath.Join(t.TempDir(), "beside")
	write(t, filepath.Join(folder, "go.mod"), "module example.test/beside\n\ngo 1.26.0\n\nrequire example.test/dependency v1.2.3\n")
	write(t, filepath.Join(folder, "main.go"), "package main\n\nfunc main() { println(1) }\n")
	var progress bytes.Buffer
	build := func() string {
		t.Helper()
		progress.Reset()
		file, err := BuildModule(t.Context(), &progress, folder)
		if err != nil {
			t.Fatal(err)
		}
		return file
	}
	first := build()
	if !executable(first) || !strings.HasPrefix(progress.String(), "building beside v1.2.3-") || !strings.Contains(first, "/beside-v1.2.3-") {
		t.Errorf("built %s, and said %q", first, &progress)
	}
	if again := build(); again != first || progress.Len() > 0 {
		t.Errorf("built %s once more as %s, and said %q", first, again, &progress)
	}
	write(t, filepath.Join(folder, "main.go"), "package main\n\nfunc main() { println(2) }\n")
	if changed := build(); changed == first || !executable(changed) {
		t.Errorf("after a change it is %s still", changed)
	}
	if _, err := BuildModule(t.Context(), io.Discard, t.TempDir()); err == nil || !strings.Contains(err.Error(), "has no go.mod that requires a module") {
		t.Errorf("a folder without a module: %v", err)
	}
}

func TestCacheIsInTheRepository(t *testing.T) {
	t.Setenv("OUTRIGGER_CACHE", "")
	repository := t.TempDir()
	write(t, filepath.Join(repository, "go.mod"), "module outrigger.dev/outrigger\n\ngo 1.26.0\n")
	below := filepath.Join(repository, "test", "e2e")
	write(t, filepath.Join(below, "go.mod"), "module outrigger.dev/outrigger/test/e2e\n")
	for folder, want := range map[string]string{
		repository: filepath.Join(repository, ".cache"),
		below:      filepath.Join(repository, ".cache"),
	} {
		t.Chdir(folder)
		if got, err := Cache(); err != nil || got != want {
			t.Errorf("cache: %q, %v, want %q", got, err, want)
		}
	}
}

// place makes a file that looks like a program.
func place(t *testing.T, file string) {
	t.Helper()
	write(t, file, "#!/bin/sh\n")
	if err := os.Chmod(file, 0o755); err != nil {
		t.Fatal(err)
	}
}

// write makes a file, and the folders that it is in.
func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
