// Package conformance_test holds the injector against cases whose wanted output
// is known, both ways in which it is used: offline, with the real program, and
// as the webhook, with the real handler. Over the same inputs it proves the
// laws of injection.
//
// The cases are not part of this repository. They are read from
// $OUTRIGGER_CONFORMANCE, by default ../shared/conformance seen from the root of
// the repository.
package conformance_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"outrigger.dev/outrigger/inject"
)

// root is the repository, seen from this package.
const root = "../.."

// A testCase is one folder: what goes in and what is wanted.
type testCase struct {
	name, dir string

	Input, Want      string
	Values, Mesh     string
	Config           string
	NamespaceFile    string
	NativeSidecars   bool
	Platform         string
	CompliancePolicy string
	// WantError is a word of the error's text, WantWarnings are words on standard error.
	WantError    string
	WantWarnings []string
	// Offline is false where only the pods are run.
	Offline bool
	Pods    []struct{ Pod, Want, Namespace string }
}

// cases are all cases there are. Where there are none the test is skipped, and
// says so.
func cases(t *testing.T) []testCase {
	t.Helper()
	dir := os.Getenv("OUTRIGGER_CONFORMANCE")
	if dir == "" {
		dir = "../shared/conformance"
	}
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(root, dir)
	}
	files, err := filepath.Glob(filepath.Join(dir, "cases", "*", "case.json"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Skipf("no conformance cases in %s: set OUTRIGGER_CONFORMANCE to the folder that has them", dir)
	}
	var all []testCase
	for _, file := range files {
		c := testCase{dir: filepath.Dir(file), name: filepath.Base(filepath.Dir(file))}
		if err := json.Unmarshal(c.read(t, "case.json"), &c); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all = append(all, c)
	}
	return all
}

// read is a file of the case.
func (c testCase) read(t testing.TB, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(c.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// injectors are made once for each configuration, by what it says: they are
// immutable, and most cases have the same.
var injectors sync.Map

// injector is made from the case's configuration.
func (c testCase) injector(t testing.TB) *inject.Injector {
	t.Helper()
	sources := inject.Sources{
		Config: c.read(t, c.Config),
		Values: c.read(t, c.Values),
		Mesh:   c.read(t, c.Mesh),
	}
	env := map[string]string{"ENABLE_NATIVE_SIDECARS": strconv.FormatBool(c.NativeSidecars)}
	if c.Platform != "" {
		env["PLATFORM"] = c.Platform
	}
	if c.CompliancePolicy != "" {
		env["COMPLIANCE_POLICY"] = c.CompliancePolicy
	}
	key := fmt.Sprintf("%s %s %s %v", sources.Config, sources.Values, sources.Mesh, env)
	if in, ok := injectors.Load(key); ok {
		return in.(*inject.Injector)
	}
	in, err := inject.New(sources, inject.Settings{Env: env})
	if err != nil {
		t.Fatalf("configuration of %s: %v", c.name, err)
	}
	injectors.Store(key, in)
	return in
}

// namespaces are those that the case describes, by name.
func (c testCase) namespaces(t testing.TB) map[string]inject.Namespace {
	t.Helper()
	known := map[string]inject.Namespace{}
	if c.NamespaceFile == "" {
		return known
	}
	for _, raw := range yamlDocuments(t, c.read(t, c.NamespaceFile)) {
		var ns struct {
			Metadata struct {
				Name                string
				Labels, Annotations map[string]string
			}
		}
		if err := json.Unmarshal(raw, &ns); err != nil {
			t.Fatal(err)
		}
		known[ns.Metadata.Name] = inject.Namespace{
			Name: ns.Metadata.Name, Labels: ns.Metadata.Labels, Annotations: ns.Metadata.Annotations,
		}
	}
	return known
}
