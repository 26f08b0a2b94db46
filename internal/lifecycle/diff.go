package lifecycle

import (
	"bytes"
	"fmt"
	"maps"
	"slices"

	"github.com/aymanbagabas/go-udiff"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

type runtimeObject = runtime.Object

// DiffValues is the unified diff of two sets of values, empty where they are the same.
func DiffValues(nameA string, a Values, nameB string, b Values) (string, error) {
	textA, err := yamlText(map[string]any(a))
	if err != nil {
		return "", err
	}
	textB, err := yamlText(map[string]any(b))
	return udiff.Unified(nameA, nameB, string(textA), string(textB)), err
}

// DiffManifests is the unified diff of two sets of objects, object by object in the
// order of a and then of b; order and comments make no difference. It is empty where the
// objects are the same.
func DiffManifests(nameA string, a []Manifest, nameB string, b []Manifest) (string, error) {
	byTitle := func(all []Manifest) map[string]*unstructured.Unstructured {
		found := map[string]*unstructured.Unstructured{}
		for i := range all {
			found[identity(&all[i].Object)] = &all[i].Object
		}
		return found
	}
	inA, inB := byTitle(a), byTitle(b)
	var out bytes.Buffer
	for _, id := range slices.Sorted(maps.Keys(merge(inA, inB))) {
		text, err := diffObjects(nameA, inA[id], nameB, inB[id])
		if err != nil {
			return "", fmt.Errorf("%s: %w", id, err)
		}
		out.WriteString(text)
	}
	return out.String(), nil
}

func merge[V any](a, b map[string]V) map[string]V {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

// identity tells objects apart; the version that they are written in does not.
func identity(o *unstructured.Unstructured) string {
	return o.GroupVersionKind().Group + "/" + title(o)
}

// diffObjects is the diff of two states of an object; nil is that it is not there.
func diffObjects(nameA string, a *unstructured.Unstructured, nameB string, b *unstructured.Unstructured) (string, error) {
	textA, err := objectText(a)
	if err != nil {
		return "", err
	}
	textB, err := objectText(b)
	if err != nil {
		return "", err
	}
	named := a
	if named == nil {
		named = b
	}
	return udiff.Unified(nameA+": "+title(named), nameB+": "+title(named), textA, textB), nil
}

// serverFields are what the API server and others write, and no manifest has.
var serverFields = [][]string{
	{"status"}, {"metadata", "managedFields"}, {"metadata", "resourceVersion"}, {"metadata", "uid"},
	{"metadata", "generation"}, {"metadata", "creationTimestamp"},
}

func objectText(o *unstructured.Unstructured) (string, error) {
	if o == nil {
		return "", nil
	}
	o = o.DeepCopy()
	for _, field := range serverFields {
		unstructured.RemoveNestedField(o.Object, field...)
	}
	text, err := yamlText(o.Object)
	return string(text), err
}
