// Package test proves what no single package can.
package test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const module = "outrigger.dev/outrigger"

// imports are the rules about direct imports, of ours by ours and of what talks
// to a cluster: cmd → internal → inject → templates, and certs beside them.
// Transitive ones cannot be held to: apimachinery itself reaches net/http.
//
//	package            never imports
//	templates          anything of ours, a client, a server
//	inject             anything of ours but templates, a client, a server
//	certs              anything of ours, Kubernetes
//	internal/webhook   anything of ours but inject and templates, a client
//	internal/cluster   internal/webhook, cmd
//	internal/...       cmd
//	all of the above   what only the command line has: Helm, cobra, kubectl
var imports = []struct {
	in    string
	never []string
	but   []string
}{
	{
		in:    "templates",
		never: []string{module, "k8s.io/client-go", "sigs.k8s.io/controller-runtime", "net/http", "os", "log/slog", "math/rand"},
	},
	{
		in:    "inject",
		never: []string{module, "k8s.io/client-go", "sigs.k8s.io/controller-runtime", "net/http", "os", "log/slog", "math/rand"},
		but:   []string{module + "/templates"},
	},
	{in: "certs", never: []string{module, "k8s.io", "sigs.k8s.io"}},
	{
		in:    "internal/webhook",
		never: []string{module, "k8s.io/client-go", "os/exec"},
		but:   []string{module + "/inject", module + "/templates"},
	},
	{in: "internal/cluster", never: []string{module + "/internal", module + "/cmd"}},
	{in: "internal", never: []string{module + "/cmd"}},
	{in: "cmd/outrigger-injector", never: commandLineOnly},
	{in: "internal/webhook", never: commandLineOnly},
	{in: "internal/cluster", never: commandLineOnly},
	{in: "inject", never: commandLineOnly},
	{in: "templates", never: commandLineOnly},
	{in: "certs", never: commandLineOnly},
}

// commandLineOnly is what the server must not carry.
var commandLineOnly = []string{"helm.sh", "github.com/spf13/cobra", "k8s.io/kubectl", "k8s.io/cli-runtime"}

func TestImportsRunOneWay(t *testing.T) {
	held := map[string]bool{}
	for _, p := range list(t, "./...") {
		path := strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
		for _, rule := range imports {
			if !within(path, rule.in) {
				continue
			}
			held[rule.in] = true
			for _, imported := range p.Imports {
				if under(imported, rule.never) && !under(imported, rule.but) && !within(imported, module+"/"+rule.in) {
					t.Errorf("%s imports %s", p.ImportPath, imported)
				}
			}
		}
	}
	for _, rule := range imports {
		if !held[rule.in] {
			t.Errorf("there is no package %s to hold the rule to", rule.in)
		}
	}
}

// carried is what the server links of the command line's all the same, and the one
// package that it may be for: the API server's own CEL environment, which match
// conditions are evaluated in, takes its versions from a package that has flags.
var carried = map[string]string{"github.com/spf13/cobra": "k8s.io/component-base/cli/flag"}

// The server is small, and a hole in Helm is none in the webhook.
func TestServerCarriesNothingOfTheCommandLine(t *testing.T) {
	never := append([]string{module + "/internal/lifecycle"}, commandLineOnly...)
	for _, p := range list(t, "-deps", "./cmd/outrigger-injector") {
		if under(p.ImportPath, never) && carried[p.ImportPath] == "" {
			t.Errorf("outrigger-injector links %s", p.ImportPath)
		}
		for _, imported := range p.Imports {
			if by := carried[imported]; by != "" && by != p.ImportPath {
				t.Errorf("outrigger-injector links %s for %s, want it for %s only", imported, p.ImportPath, by)
			}
		}
	}
}

// clock is what a function that is the same everywhere does not use.
var clock = regexp.MustCompile(`\btime\.(Now|Since|Until|After|AfterFunc|Sleep|Tick|NewTimer|NewTicker)\(|\bgo func\b`)

// Inject has no clock and starts nothing: the same input gives the same bytes.
func TestCoreHasNoClock(t *testing.T) {
	for _, dir := range []string{"inject", "templates"} {
		files, err := filepath.Glob(filepath.Join("..", dir, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d files, %v", dir, len(files), err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if found := clock.Find(text); found != nil && !strings.HasSuffix(file, "_test.go") {
				t.Errorf("%s has %q", file, found)
			}
		}
	}
}

// A listed package, as go list -json tells of it.
type listed struct {
	ImportPath string
	Imports    []string
}

// list runs go list in the module's root.
func list(t *testing.T, args ...string) []listed {
	t.Helper()
	command := exec.CommandContext(t.Context(), "go", append([]string{"list", "-json=ImportPath,Imports"}, args...)...)
	command.Dir = ".."
	out, err := command.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var packages []listed
	for decoder := json.NewDecoder(strings.NewReader(string(out))); decoder.More(); {
		var p listed
		if err := decoder.Decode(&p); err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
	return packages
}

// within says whether a path is a folder or below it.
func within(path, folder string) bool { return path == folder || strings.HasPrefix(path, folder+"/") }

// under says whether a path is within one of the folders.
func under(path string, folders []string) bool {
	return slices.ContainsFunc(folders, func(folder string) bool { return within(path, folder) })
}
