package e2e_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Which entry of the first installation the API server asks: a row for the
// namespace's labels, a column for the pod's. "enabled", "disabled" and "else" are
// values of istio-injection, "true", "false" and "yes" of sidecar.istio.io/inject,
// "rev" is istio.io/rev.
const firstTable = `
                     | none          | true          | false | yes           | empty         | rev=default   | rev=canary    | true,rev=default | true,rev=canary | false,rev=canary
none                 | -             | object        | -     | -             | -             | rev-object    | -             | rev-object       | -               | -
enabled              | namespace     | namespace     | -     | namespace     | namespace     | namespace     | namespace     | namespace        | namespace       | -
enabled,rev=default  | namespace     | namespace     | -     | namespace     | namespace     | namespace     | namespace     | namespace        | namespace       | -
enabled,rev=canary   | namespace     | namespace     | -     | namespace     | namespace     | namespace     | namespace     | namespace        | namespace       | -
disabled             | -             | -             | -     | -             | -             | -             | -             | -                | -               | -
disabled,rev=default | -             | -             | -     | -             | -             | -             | -             | -                | -               | -
disabled,rev=canary  | -             | -             | -     | -             | -             | -             | -             | -                | -               | -
else                 | -             | -             | -     | -             | -             | -             | -             | -                | -               | -
rev=default          | rev-namespace | rev-namespace | -     | rev-namespace | rev-namespace | rev-namespace | rev-namespace | rev-namespace    | rev-namespace   | -
rev=canary           | -             | -             | -     | -             | -             | -             | -             | -                | -               | -
`

// The same for the installation of the revision canary.
const canaryTable = `
                     | none          | true          | false | yes           | empty         | rev=default   | rev=canary    | true,rev=default | true,rev=canary | false,rev=canary
none                 | -             | -             | -     | -             | -             | -             | rev-object    | -                | rev-object      | -
enabled              | -             | -             | -     | -             | -             | -             | -             | -                | -               | -
enabled,rev=default  | -             | -             | -     | -             | -             | -             | -             | -                | -               | -
enabled,rev=canary   | -             | -             | -     | -             | -             | -             | -             | -                | -               | -
disabled             | -             | -             | -     | -             | -             | -             | -             | -                | -               | -
disabled,rev=default | -             | -             | -     | -             | -             | -             | -             | -                | -               | -
disabled,rev=canary  | -             | -             | -     | -             | -             | -             | -             | -                | -               | -
else                 | -             | -             | -     | -             | -             | -             | -             | -                | -               | -
rev=default          | -             | -             | -     | -             | -             | -             | -             | -                | -               | -
rev=canary           | rev-namespace | rev-namespace | -     | rev-namespace | rev-namespace | rev-namespace | rev-namespace | rev-namespace    | rev-namespace   | -
`

// grid reads a table: cells by row and column.
func grid(t *testing.T, text string) map[string]map[string]string {
	t.Helper()
	var columns []string
	rows := map[string]map[string]string{}
	for n, line := range strings.Split(strings.Trim(text, "\n"), "\n") {
		var fields []string
		for _, field := range strings.Split(line, "|") {
			fields = append(fields, strings.TrimSpace(field))
		}
		if n == 0 {
			columns = fields[1:]
			continue
		}
		rows[fields[0]] = map[string]string{}
		for i, cell := range fields[1:] {
			rows[fields[0]][columns[i]] = cell
		}
	}
	return rows
}

// labelsOf are the labels that a row or a column stands for.
func labelsOf(title, key string) map[string]string {
	labels := map[string]string{}
	for _, part := range strings.Split(title, ",") {
		switch revision, isRevision := strings.CutPrefix(part, "rev="); {
		case isRevision:
			labels["istio.io/rev"] = revision
		case part == "empty":
			labels[key] = ""
		case part != "none":
			labels[key] = part
		}
	}
	return labels
}

// Every cell of both tables, as the API server with both installations does it:
// which entries it asks, and who has injected the pod that is stored.
func TestEveryCellOfTheDecisionTables(t *testing.T) {
	t.Parallel()
	type cell struct {
		Asked    []string
		Injected string
	}
	firstGrid, canaryGrid := grid(t, firstTable), grid(t, canaryTable)
	want, got := map[string]cell{}, map[string]cell{}
	titles := map[string]string{} // by NAMESPACE/POD
	for row, columns := range firstGrid {
		namespace := newNamespace(t, labelsOf(row, "istio-injection"))
		for column := range columns {
			title := fmt.Sprintf("namespace %s, pod %s", row, column)
			expected := cell{}
			if entry := firstGrid[row][column]; entry != "-" {
				expected = cell{append(expected.Asked, "outrigger-injector/"+entry), "default"}
			}
			if entry := canaryGrid[row][column]; entry != "-" {
				expected = cell{append(expected.Asked, "outrigger-injector-canary/"+entry), "canary"}
			}
			want[title] = expected
			name := strings.NewReplacer(",", "-", "=", "-").Replace(column)
			pod := mustCreate(t, namespace, newPod(name, labelled(labelsOf(column, "sidecar.istio.io/inject"))))
			got[title] = cell{Injected: injectedBy(pod)}
			titles[namespace+"/"+name] = title
		}
	}
	if len(want) != 100 {
		t.Fatalf("%d cells, want 100", len(want))
	}
	for pod, asked := range calls(t, keys(titles)...) {
		found := got[titles[pod]]
		for _, c := range asked {
			found.Asked = append(found.Asked, c.Entry)
		}
		got[titles[pod]] = found
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("cells (-want +got):\n%s", diff)
	}
}

func keys[V any](m map[string]V) []string {
	var all []string
	for key := range maps.Keys(m) {
		all = append(all, key)
	}
	return all
}
