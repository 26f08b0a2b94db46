package lifecycle

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"outrigger.dev/outrigger/charts"
	"outrigger.dev/outrigger/inject"
)

// Check holds values against the chart's schema. The error names every key that is
// wrong by its path, and says what was wanted; each one is an error of its own, joined.
func (v Values) Check() error {
	schema, err := compileSchema()
	if err != nil {
		return fmt.Errorf("embedded schema: %w", err)
	}
	err = schema.Validate(map[string]any(v.clone()))
	var invalid *jsonschema.ValidationError
	if !errors.As(err, &invalid) {
		return err
	}
	all := faults(invalid)
	slices.SortFunc(all, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errors.Join(all...)
}

func compileSchema() (*jsonschema.Schema, error) {
	text, err := fs.ReadFile(charts.Outrigger(), "values.schema.json")
	if err != nil {
		return nil, err
	}
	schema, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("values.schema.json", schema); err != nil {
		return nil, err
	}
	return compiler.Compile("values.schema.json")
}

// faults are the errors at the leaves: what is above them says only that there are some.
func faults(e *jsonschema.ValidationError) (all []error) {
	if len(e.Causes) > 0 {
		for _, cause := range e.Causes {
			all = append(all, faults(cause)...)
		}
		return all
	}
	path := strings.Join(e.InstanceLocation, ".")
	unknown, ok := e.ErrorKind.(*kind.AdditionalProperties)
	if !ok {
		what := e.ErrorKind.LocalizedString(message.NewPrinter(language.English))
		return []error{fmt.Errorf("values: %s: %s", path, strings.NewReplacer("'", `"`, "<nil>", "null").Replace(what))}
	}
	for _, key := range slices.Sorted(slices.Values(unknown.Properties)) {
		all = append(all, unknownKey(e.InstanceLocation, key))
	}
	return all
}

// unknownKey says what may have been meant by a key that the chart does not know.
func unknownKey(at []string, key string) error {
	path := strings.Join(append(slices.Clone(at), key), ".")
	known := knownKeys(at)
	if near := nearest(known, key); near != "" {
		return fmt.Errorf("values: %s: unknown, want %s", path, strings.Join(append(slices.Clone(at), near), "."))
	}
	if len(known) == 0 {
		return fmt.Errorf("values: %s: unknown", path)
	}
	return fmt.Errorf("values: %s: unknown, want one of %s", path, strings.Join(known, ", "))
}

// knownKeys are the keys that the chart has at a path.
func knownKeys(at []string) []string {
	values, err := Complete(Values{})
	if err != nil {
		return nil
	}
	if len(at) > 0 {
		found, err := values.Lookup(strings.Join(at, "."))
		if err != nil {
			return nil
		}
		within, _ := found.(map[string]any)
		values = within
	}
	var known []string
	for key := range values {
		known = append(known, key)
	}
	slices.Sort(known)
	return known
}

// nearest is the name that is at most two letters from the one given, or "".
func nearest(names []string, given string) string {
	best, least := "", 3
	for _, name := range names {
		if d := inject.EditDistance(strings.ToLower(name), strings.ToLower(given), least); d < least {
			best, least = name, d
		}
	}
	return best
}
