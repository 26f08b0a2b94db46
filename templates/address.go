package templates

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// errAddress is about a value that fmt writes with the address of what a pointer
// in it leads to.
var errAddress = errors.New("a pointer has no text but its address, which is never the same: want a field of what it leads to")

// plain is the price of a function that makes text of argument i as fmt's %v does:
// no work, but it must not be written with an address. Arguments have been weighed
// before, so that none leads back to itself.
func plain(i int) price {
	return func(_ *meter, args []reflect.Value) error { return noAddresses(args[i:i+1], true) }
}

// plainAll is plain for each of the arguments in list i.
func plainAll(i int) price {
	return func(_ *meter, args []reflect.Value) error { return noAddresses(elements(args[i]), true) }
}

// plainKeys is plainAll for those that dict takes for keys.
func plainKeys(_ *meter, args []reflect.Value) error {
	var keys []reflect.Value
	for i := 0; i < args[0].Len(); i += 2 {
		keys = append(keys, args[0].Index(i))
	}
	return noAddresses(keys, true)
}

// formatted is plainAll for printf, whose verbs decide: only those for strings ask
// a value for its text, and %p writes nothing but addresses.
func formatted(_ *meter, args []reflect.Value) error {
	verbs := formatVerbs(args[0].String())
	if strings.Contains(verbs, "p") {
		return fmt.Errorf("%%p: %w", errAddress)
	}
	return noAddresses(elements(args[1]), strings.Trim(verbs, "vsqxXT") == "")
}

// shown is plainAll for text/template's own printing, which follows pointers first
// and finds a text that only the pointer has.
func shown(_ *meter, args []reflect.Value) error {
	for _, v := range elements(args[0]) {
		if err := noAddress(v); err != nil {
			return err
		}
	}
	return nil
}

// noAddress is shown for one value.
func noAddress(v reflect.Value) error {
	for (v.Kind() == reflect.Interface || v.Kind() == reflect.Pointer) && !v.IsNil() {
		v = v.Elem()
	}
	if v.IsValid() && hasPointers(v.Type()) && v.CanAddr() && hasText(v.Addr().Interface()) {
		return nil
	}
	return noAddresses([]reflect.Value{v}, true)
}

// formatVerbs are the verbs of a format, and "#" for each that has that flag: it
// asks for Go's syntax in the place of a value's text.
func formatVerbs(format string) string {
	var verbs strings.Builder
	for _, directive := range strings.Split(strings.ReplaceAll(format, "%%", ""), "%")[1:] {
		verb := strings.TrimLeft(directive, "+-# 0123456789.[]*")
		if strings.Contains(directive[:len(directive)-len(verb)], "#") {
			verbs.WriteByte('#')
		}
		verbs.WriteString(verb[:min(1, len(verb))])
	}
	return verbs.String()
}

// noAddresses says that one of the values would be written with an address.
func noAddresses(values []reflect.Value, asksForText bool) error {
	if slices.ContainsFunc(values, func(v reflect.Value) bool { return writesAddress(v, 0, asksForText) }) {
		return errAddress
	}
	return nil
}

// writesAddress says whether fmt writes an address when it writes v, which is
// depth levels below what it was given. As in fmt, a pointer to something that has
// parts is followed, but at the top only, and a value that has a method for its
// text writes that, where the verb asks for text and nobody hides the value.
func writesAddress(v reflect.Value, depth int, asksForText bool) bool {
	if !v.IsValid() || !hasPointers(v.Type()) {
		return false // and nothing is made to ask for a text, which most values would be
	}
	if asksForText && v.CanInterface() && hasText(v.Interface()) {
		return false
	}
	inside := func(v reflect.Value) bool { return writesAddress(v, depth+1, asksForText) }
	switch v.Kind() {
	case reflect.Interface:
		return !v.IsNil() && writesAddress(v.Elem(), depth, asksForText)
	case reflect.Pointer:
		return !v.IsNil() && (depth > 0 || !hasParts(v.Elem().Kind()) || inside(v.Elem()))
	case reflect.Func, reflect.Chan, reflect.UnsafePointer:
		return !v.IsNil()
	case reflect.Slice, reflect.Array:
		return hasPointers(v.Type().Elem()) && slices.ContainsFunc(elements(v), inside)
	case reflect.Map:
		return slices.ContainsFunc(entries(v), inside)
	case reflect.Struct:
		return slices.ContainsFunc(fieldsOf(v), inside)
	default:
		return false
	}
}

// hasText says whether fmt asks a value for its text.
func hasText(value any) bool {
	switch value.(type) {
	case fmt.Formatter, fmt.Stringer, error:
		return true
	default:
		return false
	}
}

// hasParts says whether fmt follows a pointer to something of that kind.
func hasParts(kind reflect.Kind) bool {
	return kind == reflect.Struct || kind == reflect.Map || kind == reflect.Slice || kind == reflect.Array
}

// hasPointers says whether a value of that type may lead to another one.
func hasPointers(typ reflect.Type) bool {
	return typ.Kind() > reflect.Complex128 && typ.Kind() != reflect.String
}

func elements(v reflect.Value) []reflect.Value {
	all := make([]reflect.Value, v.Len())
	for i := range all {
		all[i] = v.Index(i)
	}
	return all
}

func entries(v reflect.Value) []reflect.Value {
	all := make([]reflect.Value, 0, 2*v.Len())
	for entry := v.MapRange(); entry.Next(); {
		all = append(all, entry.Key(), entry.Value())
	}
	return all
}

func fieldsOf(v reflect.Value) []reflect.Value {
	all := make([]reflect.Value, v.NumField())
	for i := range all {
		all[i] = v.Field(i)
	}
	return all
}
