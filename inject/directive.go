package inject

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Directives of a strategic merge patch that a template may use.
const (
	patchDirective      = "$patch"
	retainKeysDirective = "$retainKeys"
	orderDirective      = "$setElementOrder/"
	deleteDirective     = "$deleteFromPrimitiveList/"
)

// retainKeys obeys $retainKeys: of base only the listed fields stay.
func retainKeys(base, overlay object) error {
	directive, ok := overlay[retainKeysDirective]
	if !ok {
		return nil
	}
	list, ok := directive.([]any)
	if !ok {
		return fmt.Errorf("%q: wanted a list of fields", retainKeysDirective)
	}
	maps.DeleteFunc(base, func(field string, _ any) bool { return !contains(list, field) })
	return nil
}

// listDirectives obeys the directives that speak about a list beside them.
func listDirectives(base, overlay object) error {
	for _, directive := range sortedKeys(overlay) {
		if field, ok := strings.CutPrefix(directive, deleteDirective); ok {
			gone, _ := overlay[directive].([]any)
			if have, ok := base[field].([]any); ok {
				base[field] = slices.DeleteFunc(have, func(v any) bool { return contains(gone, v) })
			}
		}
		if field, ok := strings.CutPrefix(directive, orderDirective); ok {
			order, isList := overlay[directive].([]any)
			key, keyed := listKeys[field]
			if !isList || !keyed {
				return fmt.Errorf("%q: wanted the elements of a list that is merged by key", directive)
			}
			var ids []string
			for _, item := range order {
				ids = append(ids, identity(item, key))
			}
			if have, ok := base[field].([]any); ok {
				base[field] = interleave(have, have, ids, key)
			}
		}
	}
	return nil
}
