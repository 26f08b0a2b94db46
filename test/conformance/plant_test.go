package conformance_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"outrigger.dev/outrigger/inject"
)

// A field that nobody knows, planted into every object, follows that object
// through an injection: it tells where the object went and what became of it.
const futureField = "futureField"

// plant gives every object of a pod one unknown field, with a number of its own.
// The value is a text of digits, so that it is as good a label as a quantity.
func plant(t testing.TB, pod []byte) []byte {
	t.Helper()
	var tree map[string]any
	decode(t, pod, &tree)
	number := 0
	walk(tree, nil, func(_ []string, o map[string]any) {
		number++
		o[fmt.Sprint(futureField, number)] = fmt.Sprint(number)
	})
	return encode(t, tree)
}

// walk visits every object of a tree, fields in order. The path is the fields on
// the way to it; elements of a list go by their name, where they have one.
func walk(v any, path []string, visit func(path []string, o map[string]any)) {
	switch v := v.(type) {
	case map[string]any:
		visit(path, v)
		for _, field := range sortedKeys(v) {
			walk(v[field], append(slices.Clip(path), field), visit)
		}
	case []any:
		for _, item := range v {
			at := append(slices.Clip(path), "[]")
			if o, ok := item.(map[string]any); ok && o["name"] != nil {
				at[len(at)-1] = fmt.Sprintf("[%v]", o["name"])
			}
			walk(item, at, visit)
		}
	}
}

// A found object is where a planted field turned up.
type found struct {
	path   string
	object map[string]any
}

var planted = regexp.MustCompile(`^` + futureField + `([0-9]+)$`)

// harvest finds the planted fields of a pod, by their number.
func harvest(t testing.TB, pod []byte) map[string][]found {
	t.Helper()
	var tree map[string]any
	decode(t, pod, &tree)
	all := map[string][]found{}
	walk(tree, nil, func(path []string, o map[string]any) {
		for key, value := range o {
			if match := planted.FindStringSubmatch(key); match != nil && value == match[1] {
				all[match[1]] = append(all[match[1]], found{strings.Join(path, "/"), o})
			}
		}
	})
	return all
}

// unplanted is a pod without the planted fields.
func unplanted(t testing.TB, pod []byte) []byte {
	t.Helper()
	var tree map[string]any
	decode(t, pod, &tree)
	uproot(tree)
	// The annotation that keeps the user's own containers has them as text.
	annotations, _ := metadata(tree)["annotations"].(map[string]any)
	if text, ok := annotations[inject.OverridesAnnotation].(string); ok {
		var written any
		decode(t, []byte(text), &written)
		uproot(written)
		var typed struct{ Containers, InitContainers []corev1.Container }
		decode(t, encode(t, written), &typed)
		annotations[inject.OverridesAnnotation] = string(encode(t, typed))
	}
	return encode(t, tree)
}

func uproot(tree any) {
	walk(tree, nil, func(_ []string, o map[string]any) {
		maps.DeleteFunc(o, func(key string, _ any) bool { return planted.MatchString(key) })
	})
}

func sortedKeys(o map[string]any) []string {
	return slices.Sorted(maps.Keys(o))
}

func encode(t testing.TB, v any) []byte {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
