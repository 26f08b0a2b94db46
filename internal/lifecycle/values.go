package lifecycle

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"helm.sh/helm/v4/pkg/strvals"
	"sigs.k8s.io/yaml"
)

// Values are those of the chart, as YAML has them.
type Values map[string]any

// A Text is a named one.
type Text struct {
	Name    string
	Content []byte
}

// ReadValues lays the values of files, the later over the earlier ones, and over them
// what --set says: path.to.key=value, several by comma, as Helm takes it. A number, true
// and false are such in what --set says. Nothing is checked; see [Check].
func ReadValues(files []Text, set []string) (Values, error) {
	values := Values{}
	for _, file := range files {
		more := Values{}
		if err := yaml.UnmarshalStrict(file.Content, &more); err != nil {
			return nil, fmt.Errorf("%s: %w", file.Name, err)
		}
		if err := notManifest(file.Name, more); err != nil {
			return nil, err
		}
		values.lay(more)
	}
	for _, s := range set {
		if err := strvals.ParseInto(s, values); err != nil {
			return nil, fmt.Errorf("--set %s: %w", s, err)
		}
	}
	return values, nil
}

// notManifest tells values from what is easily taken for them.
func notManifest(name string, values Values) error {
	kind, _ := values["kind"].(string)
	if kind == "" || values["apiVersion"] == nil {
		return nil
	}
	err := fmt.Errorf("%s: kind %q, want values of the chart", name, kind)
	if kind == "IstioOperator" {
		return fmt.Errorf("%w: what it has under spec.values can be pasted there", err)
	}
	return err
}

// Revision is the revision that the values are for: "default" where they name none.
func (v Values) Revision() string {
	if name, _ := v["revision"].(string); name != "" {
		return name
	}
	return DefaultRevision
}

// DefaultRevision is the revision of an installation that was given none.
const DefaultRevision = "default"

// clone is a deep copy.
func (v Values) clone() Values {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // values come from YAML or JSON, or were made of such
	}
	copied := Values{}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&copied); err != nil {
		panic(err)
	}
	return Values(numbers(map[string]any(copied)).(map[string]any))
}

// numbers makes whole numbers of those that are, and keeps them from becoming 1e+06.
func numbers(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			v[key] = numbers(value)
		}
	case []any:
		for i, value := range v {
			v[i] = numbers(value)
		}
	case json.Number:
		if whole, err := v.Int64(); err == nil {
			return whole
		}
		number, err := v.Float64()
		if err != nil {
			return v.String()
		}
		return number
	}
	return v
}

// lay sets what more has, maps key by key. null takes away, as in Helm.
func (v Values) lay(more Values) {
	for key, value := range more {
		into, isMap := v[key].(map[string]any)
		from, both := value.(map[string]any)
		if isMap && both {
			Values(into).lay(from)
			continue
		}
		v[key] = value
	}
}

// fill sets what is not set: as the chart does with a profile, so that false, 0 and ""
// count as set.
func (v Values) fill(from Values) {
	for key, value := range from {
		into, isMap := v[key].(map[string]any)
		more, both := value.(map[string]any)
		switch {
		case v[key] == nil:
			v[key] = value
		case isMap && both:
			Values(into).fill(more)
		}
	}
}

// Lookup gives what is at a path such as webhook.failurePolicy; an error says how far
// the path goes, and what there is.
func (v Values) Lookup(path string) (any, error) {
	var at any = map[string]any(v)
	steps := strings.Split(path, ".")
	for i, step := range steps {
		from, _ := at.(map[string]any)
		next, there := from[step]
		if !there {
			return nil, &NoValueError{Path: strings.Join(steps[:i+1], "."), Known: slices.Sorted(maps.Keys(from))}
		}
		at = next
	}
	return at, nil
}

// A NoValueError is a path that leads to no value.
type NoValueError struct {
	Path string
	// Known are the keys that are where the last step of the path is not.
	Known []string
}

// Error names the path, and the keys that there are.
func (e *NoValueError) Error() string {
	if len(e.Known) == 0 {
		return fmt.Sprintf("%q: there is no such value", e.Path)
	}
	return fmt.Sprintf("%q: there is no such value, want one of %s", e.Path, strings.Join(e.Known, ", "))
}

// Flags are the values as --set takes them, a line each, by path.
func Flags(v any, prefix string) []string {
	within, isMap := v.(map[string]any)
	if !isMap || len(within) == 0 {
		text, err := json.Marshal(v)
		if err != nil {
			panic(err) // it came from YAML
		}
		if s, isString := v.(string); isString {
			text = []byte(s)
		}
		return []string{prefix + "=" + string(text)}
	}
	var all []string
	for _, key := range slices.Sorted(maps.Keys(within)) {
		path := strings.ReplaceAll(key, ".", `\.`)
		if prefix != "" {
			path = prefix + "." + path
		}
		all = append(all, Flags(within[key], path)...)
	}
	return all
}

// yamlText is a value in YAML, its keys in order.
func yamlText(v any) ([]byte, error) {
	text, err := yaml.Marshal(v)
	return bytes.TrimPrefix(text, []byte("null\n")), err
}
