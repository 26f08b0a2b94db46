package templates

import (
	"fmt"
	"reflect"
)

// loopFunctions are those that rewriting puts into a template.
func loopFunctions() map[string]function {
	return map[string]function{
		workFunction: func(m *meter) any { return m.work },
		eachFunction: func(m *meter) any { return m.each },
		showFunction: func(m *meter) any { return m.show },
	}
}

// work spends units. It gives nothing to print.
func (m *meter) work(units int) (string, error) { return "", m.spend(units) }

// each spends units for every turn that ranging over value takes.
func (m *meter) each(units int, value any) (any, error) {
	v := reflect.ValueOf(value)
	for v.Kind() == reflect.Pointer && !v.IsNil() {
		v = v.Elem()
	}
	turns := 0
	switch v.Kind() {
	case reflect.Slice, reflect.Array, reflect.Map:
		turns = v.Len()
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		turns = int(max(v.Int(), 0))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		turns = int(min(v.Uint(), maxWork))
	case reflect.Func, reflect.Chan:
		return nil, fmt.Errorf("range over %s: want a list, a map or a number", v.Type())
	}
	return value, m.spend(times(turns, units))
}

// show weighs a value that is about to be printed and looks for addresses in it. It
// gives the very value, since text/template asks what can be addressed for its text.
func (m *meter) show(value reflect.Value) (reflect.Value, error) {
	if err := m.weigh(value); err != nil {
		return value, err
	}
	return value, noAddress(value)
}
