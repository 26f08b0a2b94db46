package templatetest

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// Differences says where got is not as want has it, a line each, by the path to
// there, in the order of keys and of want's lists. Both are JSON as encoding/json
// reads it. None means that want is a part of got.
func Differences(want, got any) []string { return differences("", want, got) }

func differences(path string, want, got any) []string {
	switch want := want.(type) {
	case map[string]any:
		if got, ok := got.(map[string]any); ok {
			return inMap(path, want, got)
		}
	case []any:
		got, ok := got.([]any)
		if key := keyOf(want); ok && key != "" {
			return inList(path, key, want, got)
		}
	}
	if reflect.DeepEqual(want, got) {
		return nil
	}
	return []string{fmt.Sprintf("%s is %s, want %s", strings.TrimPrefix(path, "."), show(got), show(want))}
}

func inMap(path string, want, got map[string]any) []string {
	var all []string
	for _, key := range slices.Sorted(maps.Keys(want)) {
		value, there := got[key]
		at := path + "." + key
		switch {
		case want[key] == nil && !there:
		case want[key] == nil:
			all = append(all, fmt.Sprintf("%s is %s, want none", at[1:], show(value)))
		case !there:
			all = append(all, fmt.Sprintf("%s is not there, want %s", at[1:], show(want[key])))
		default:
			all = append(all, differences(at, want[key], value)...)
		}
	}
	return all
}

func inList(path, key string, want, got []any) []string {
	var all []string
	for _, wanted := range want {
		name := wanted.(map[string]any)[key]
		at := fmt.Sprintf("%s[%s=%v]", path, key, name)
		found := slices.IndexFunc(got, func(v any) bool {
			element, ok := v.(map[string]any)
			return ok && reflect.DeepEqual(element[key], name)
		})
		if found < 0 {
			all = append(all, strings.TrimPrefix(at, ".")+" is not there")
			continue
		}
		all = append(all, differences(at, wanted, got[found])...)
	}
	return all
}

// keyOf is the field by which the elements of a list are known, as Kubernetes merges
// them, and "" where they have none in common.
func keyOf(list []any) string {
	for _, key := range []string{"mountPath", "containerPort", "name"} {
		without := func(v any) bool {
			element, ok := v.(map[string]any)
			return !ok || element[key] == nil
		}
		if len(list) > 0 && !slices.ContainsFunc(list, without) {
			return key
		}
	}
	return ""
}

// show is a value as JSON, readable: "<" stays "<".
func show(value any) string {
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return fmt.Sprintf("%v", value)
	}
	return strings.TrimSuffix(text.String(), "\n")
}
