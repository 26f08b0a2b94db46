package inject

import (
	"encoding/json"
	"reflect"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// Istio reads the fields of an element in any case of letters, as encoding/json does, and
// the API server in theirs only: "readonly" would be lost there, without a word.

func spellVolumes(value string) string { return spelled(value, reflect.TypeFor[corev1.Volume]()) }

func spellMounts(value string) string { return spelled(value, reflect.TypeFor[corev1.VolumeMount]()) }

// spelled is a list of elements of a type, or an object that has them by their names, with
// the fields as the type spells them. What is neither stays as it is.
func spelled(value string, as reflect.Type) string {
	all, found, err := elements(value)
	if err != nil {
		return value
	}
	for _, e := range found {
		spell(e.fields, as)
	}
	text, err := encode(all)
	if err != nil {
		return value
	}
	return string(text)
}

// spell renames the fields in a tree to those of a type where they differ in case only.
func spell(tree any, as reflect.Type) {
	for as.Kind() == reflect.Pointer {
		as = as.Elem()
	}
	switch {
	case reflect.PointerTo(as).Implements(reflect.TypeFor[json.Unmarshaler]()): // its text is its own
	case as.Kind() == reflect.Slice:
		list, _ := tree.([]any)
		for _, element := range list {
			spell(element, as.Elem())
		}
	case as.Kind() == reflect.Struct:
		o, _ := tree.(object)
		for _, field := range reflect.VisibleFields(as) {
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			if name == "" {
				continue // its fields are there themselves
			}
			spellField(o, name)
			spell(o[name], field.Type)
		}
	}
}

// spellField gives a field its name where that is in other letters and not there besides.
func spellField(o object, name string) {
	if _, has := o[name]; has {
		return
	}
	for _, key := range sortedKeys(o) {
		if strings.EqualFold(key, name) {
			o[name] = o[key]
			delete(o, key)
			return
		}
	}
}
