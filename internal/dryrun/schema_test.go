package dryrun_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/invopop/jsonschema"

	"outrigger.dev/outrigger/internal/dryrun"
)

var update = flag.Bool("update", false, "write golden files")

// The schema is made from the types and their comments, and is what is published.
func TestSchema(t *testing.T) {
	reflector := jsonschema.Reflector{Anonymous: true}
	for base, dir := range map[string]string{
		"outrigger.dev/outrigger/internal/dryrun": ".",
		"outrigger.dev/outrigger/inject":          "../../inject",
	} {
		if err := reflector.AddGoComments(base, dir, jsonschema.WithFullComment()); err != nil {
			t.Fatal(err)
		}
	}
	made := reflector.Reflect(&dryrun.Answer{})
	made.Title = "An answer of Outrigger's dry run"
	open(made)
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(made); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("schema.json", text.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(dryrun.Schema), text.String()); diff != "" {
		t.Errorf("schema.json is stale (-is +want), go test ./internal/dryrun -run TestSchema -update:\n%s", diff)
	}
}

// open lets a schema have fields that it does not know: later versions add some.
func open(s *jsonschema.Schema) {
	s.AdditionalProperties = nil
	for _, defined := range s.Definitions {
		if defined.Properties != nil && defined.Properties.Len() > 0 {
			defined.AdditionalProperties = nil
		}
	}
}
