package test

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"outrigger.dev/outrigger/inject"
)

// annotationsPage is made here from the table that values are checked by.
const annotationsPage = "../docs/annotations.md"

const annotationsIntro = `# Labels and annotations

<!-- Generated: go test ./test -run TestAnnotationsPage -update -->

Every key that injection reads or writes. Istio's keys keep Istio's names. A key
under Istio's prefixes or under outrigger.dev/ that nobody reads is warned of
when the pod is created, with the one that it may have been meant to be.

Where a bad value **refuses** the pod, the sentence says what is wrong with it; any
other bad value counts as absent, with a warning.

| key | on | values | default | effect | a bad value |
| --- | --- | --- | --- | --- | --- |
`

func TestAnnotationsPage(t *testing.T) {
	var page bytes.Buffer
	page.WriteString(annotationsIntro)
	for _, k := range inject.Keys() {
		var on []string
		for _, place := range k.On {
			on = append(on, string(place))
		}
		effect := k.Effect
		if k.Instead != "" {
			effect += "; deprecated, write " + k.Instead
		}
		bad := "is ignored"
		if k.Denied() {
			bad = "**refuses**"
		}
		fmt.Fprintf(&page, "| `%s` | %s | %s | %s | %s | %s |\n", k.Name, strings.Join(on, ", "), k.Values, k.Default, effect, bad)
	}
	if *update {
		if err := os.WriteFile(annotationsPage, page.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(annotationsPage)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), page.String()); diff != "" {
		t.Errorf("%s is stale, run: go test ./test -run TestAnnotationsPage -update\n-page +now\n%s", annotationsPage, diff)
	}
}
