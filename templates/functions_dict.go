package templates

import (
	"maps"
	"slices"
	"text/template"
)

// mutators change their first argument and nothing else.
var mutators = []string{"set", "unset", "merge", "mergeOverwrite", "mustMerge", "mustMergeOverwrite"}

// dictFunctions are sprig's functions over maps whose originals answer in the
// order of Go's maps or reach into what they are given, and Istio's over maps of
// strings.
func dictFunctions() map[string]function {
	merge := metered(func(dst map[string]any, srcs ...map[string]any) map[string]any { return mergeAll(false, dst, srcs) })
	overwrite := metered(func(dst map[string]any, srcs ...map[string]any) map[string]any { return mergeAll(true, dst, srcs) })
	return map[string]function{
		"keys":               metered(keys),
		"values":             metered(values),
		"merge":              merge,
		"mustMerge":          merge,
		"mergeOverwrite":     overwrite,
		"mustMergeOverwrite": overwrite,
		"isset":              free(isset),
		"strdict":            metered(strdict),
		"omit":               metered(omit),
		"mergeMaps":          metered(mergeMaps),
		"omitNil":            metered(omitNil),
	}
}

// keys are the keys of some maps, each map's sorted.
func keys(dicts ...map[string]any) []string {
	all := []string{}
	for _, dict := range dicts {
		all = append(all, slices.Sorted(maps.Keys(dict))...)
	}
	return all
}

// values are a map's values, sorted by key.
func values(dict map[string]any) []any {
	all := []any{}
	for _, key := range slices.Sorted(maps.Keys(dict)) {
		all = append(all, dict[key])
	}
	return all
}

// mergeAll lays copies of maps under dst, or over it, and returns it. Maps in it
// are merged; an empty value counts as absent on both sides. Nothing but maps of
// its own kind is entered: a pod's labels are not changed.
func mergeAll(over bool, dst map[string]any, srcs []map[string]any) map[string]any {
	for _, src := range srcs {
		for key, value := range src {
			into, isMap := dst[key].(map[string]any)
			from, alsoMap := value.(map[string]any)
			switch {
			case isMap && alsoMap && into != nil:
				mergeAll(over, into, []map[string]any{from})
			case empty(dst[key]), over && !empty(value):
				dst[key] = ownCopy(value)
			}
		}
	}
	return dst
}

// empty says what "if" says of a value: null, false, zero and nothing in it.
func empty(value any) bool {
	truth, _ := template.IsTrue(value)
	return !truth
}

// isset says whether a map has a key.
func isset(m map[string]string, key string) bool {
	_, ok := m[key]
	return ok
}

// strdict makes a map out of keys and values in turn; the last value may be missing.
func strdict(pairs ...string) map[string]string {
	dict := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		dict[pairs[i]] = ""
		if i+1 < len(pairs) {
			dict[pairs[i]] = pairs[i+1]
		}
	}
	return dict
}

// omit is a copy of a map without some keys.
func omit(m map[string]string, keys ...string) map[string]string {
	rest := maps.Clone(m)
	for _, key := range keys {
		delete(rest, key)
	}
	return rest
}

// mergeMaps is one map out of many; the last that has a key counts.
func mergeMaps(all ...map[string]string) map[string]string {
	merged := map[string]string{}
	for _, m := range all {
		maps.Copy(merged, m)
	}
	return merged
}

// omitNil is a copy of a value without what is null in it; a map or list that
// has nothing else in it is null itself.
func omitNil(value any) any {
	switch value := value.(type) {
	case map[string]any:
		rest := make(map[string]any, len(value))
		for key, element := range value {
			if element = omitNil(element); element != nil {
				rest[key] = element
			}
		}
		if len(rest) > 0 {
			return rest
		}
		return nil
	case []any:
		rest := make([]any, 0, len(value))
		for _, element := range value {
			if element = omitNil(element); element != nil {
				rest = append(rest, element)
			}
		}
		if len(rest) > 0 {
			return rest
		}
		return nil
	default:
		return value
	}
}
