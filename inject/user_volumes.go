package inject

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// volumeMounts checks that there are elements. One volume may be mounted twice.
func volumeMounts(value string) error {
	_, _, err := elements(value)
	return err
}

// volumeSources checks that no two volumes have one name, and what each is made from:
// something, and one thing.
func volumeSources(value string) error {
	_, volumes, err := elements(value)
	if err != nil {
		return err
	}
	known := map[string]bool{}
	for _, v := range volumes {
		if known[v.name] {
			return fmt.Errorf("volume %q is there twice", short(v.name))
		}
		known[v.name] = true
		if delete(v.fields, "name"); len(v.fields) != 1 {
			return fmt.Errorf("volume %q has not one source, wanted one like {\"emptyDir\": {}}", short(v.name))
		}
	}
	return nil
}

// An element is one of a list that has names, as a pod's volumes have.
type element struct {
	name   string
	fields object
}

// elements are those of a list, or of an object, by their names: all is that, with the
// fields of each element found. Istio's documentation has the first, and its own tests the
// second; its templates take both, and the name that is in an element, where there is one.
func elements(value string) (all any, found []element, err error) {
	d := json.NewDecoder(strings.NewReader(value))
	d.UseNumber()
	if d.Decode(&all) != nil {
		all = nil // what is no JSON is neither
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		all = nil // nor is what has more behind it
	}
	byKey := object{}
	switch all := all.(type) {
	case object:
		byKey = all
	case []any:
		for i, fields := range all {
			byKey[strconv.Itoa(i)] = fields
		}
	default:
		return nil, nil, fmt.Errorf("%q is neither a JSON object nor a list", short(value))
	}
	for _, key := range sortedKeys(byKey) {
		fields, ok := byKey[key].(object)
		name := key
		if given, has := fields["name"]; has {
			name, ok = given.(string)
		}
		if !ok {
			return nil, nil, fmt.Errorf("%q in it is no JSON object, or has a name that is no string", short(key))
		}
		found = append(found, element{name, fields})
	}
	return all, found, nil
}
