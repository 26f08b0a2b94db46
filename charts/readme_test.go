package charts_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"outrigger.dev/outrigger/charts"
)

const readmePath = "outrigger/README.md"

const readmeIntro = `# Chart outrigger

<!-- Generated: go test ./charts -run TestReadme -update -->

Outrigger adds sidecars to Kubernetes pods as they are created, by Istio's labels, annotations and
templates. Kubernetes 1.30 or newer, and Helm 3 or 4.

    helm install outrigger charts/outrigger --namespace outrigger-system --create-namespace --wait
    kubectl label namespace default istio-injection=enabled --overwrite

to see whether it works:

    helm test outrigger --namespace outrigger-system --logs

and to take it away again:

    helm uninstall outrigger --namespace outrigger-system --wait

## Profiles

A profile is a set of values under a name: ` + "`--set profile=demo`" + `. What you set yourself goes before it.

`

// The page of the chart is made of the comments in values.yaml and of the profiles.
func TestReadme(t *testing.T) {
	page := readmeIntro + profileTable(t) + valueTables(t)
	if *update {
		if err := os.WriteFile(readmePath, []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(localFile(t, readmePath), page); diff != "" {
		t.Errorf("%s is stale, run: go test ./charts -run TestReadme -update\n-page +now\n%s", readmePath, diff)
	}
}

// profileTable has a row for each profile: what it is for, and what it sets.
func profileTable(t *testing.T) string {
	t.Helper()
	names, err := fs.Glob(charts.Outrigger(), "profiles/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("| profile | what for | sets, other than the profile default |\n| --- | --- | --- |\n")
	for _, name := range names {
		about, _, _ := strings.Cut(strings.TrimPrefix(file(t, name), "# "), "\n")
		var sets []string
		if path.Base(name) != "default.yaml" {
			profile := yamlMap(t, file(t, name))
			for _, at := range slices.Sorted(maps.Keys(leaves("", profile))) {
				value, _ := lookUp(profile, at)
				sets = append(sets, fmt.Sprintf("`%s=%v`", at, value))
			}
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", strings.TrimSuffix(path.Base(name), ".yaml"), about, strings.Join(sets, ", "))
	}
	return b.String()
}

// valueTables has a row for each value, in the order of values.yaml.
func valueTables(t *testing.T) string {
	t.Helper()
	text := file(t, "values.yaml")
	values, profile := yamlMap(t, text), yamlMap(t, file(t, "profiles/default.yaml"))
	var b strings.Builder
	b.WriteString("\n## Values\n\nWith `*`: by the profile; here is what the profile default sets.\n" + tableHead)
	var about, at []string
	for line := range strings.Lines(text) {
		body := strings.TrimSpace(line)
		depth := (len(line) - len(strings.TrimLeft(line, " "))) / 2
		comment, isComment := strings.CutPrefix(body, "#")
		key, _, isKey := strings.Cut(body, ":")
		switch {
		case strings.HasPrefix(comment, " -- "):
			fmt.Fprintf(&b, "\n## %s\n%s", strings.Trim(comment, " -"), tableHead)
			about = nil
		case isComment:
			about = append(about, strings.TrimSpace(comment))
		case isKey && !strings.HasPrefix(body, "-"):
			at = append(at[:depth], key)
			b.WriteString(row(strings.Join(at, "."), strings.Join(about, " "), values, profile))
			about = nil
		default: // an empty line, or an element of a list
			about = nil
		}
	}
	return b.String()
}

const tableHead = "\n| value | default | |\n| --- | --- | --- |\n"

// row is that of one value; a map that nothing is said about has none.
func row(at, about string, values, profile map[string]any) string {
	value, _ := lookUp(values, at)
	mark := ""
	if value == nil {
		var byProfile bool
		if value, byProfile = lookUp(profile, at); byProfile {
			mark = " *"
		}
	}
	about = strings.NewReplacer("|", `\|`, "<", "&lt;").Replace(about)
	if inner, isMap := value.(map[string]any); isMap && len(inner) > 0 {
		if about == "" {
			return ""
		}
		return fmt.Sprintf("| `%s` | | %s |\n", at, about)
	}
	if value == nil {
		return fmt.Sprintf("| `%s` | | %s |\n", at, about)
	}
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // it came from YAML
	}
	return fmt.Sprintf("| `%s` | `%s`%s | %s |\n", at, text, mark, about)
}

func yamlMap(t *testing.T, text string) map[string]any {
	t.Helper()
	m := map[string]any{}
	if err := yaml.UnmarshalStrict([]byte(text), &m); err != nil {
		t.Fatal(err)
	}
	return m
}
