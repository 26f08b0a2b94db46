package templates

import "reflect"

// A function is what a template calls by name, made for one execution's meter.
type function func(m *meter) any

// free is a function that takes no more than a node's time whatever it is given,
// and makes nothing new.
func free(fn any) function { return func(*meter) any { return fn } }

// A price is what a call costs beyond the size of its arguments and of its
// result. It is paid before the call is made.
type price func(m *meter, args []reflect.Value) error

// metered is a function whose arguments and result are weighed, for functions
// whose time and memory grow in proportion to those and to the prices given.
func metered(fn any, prices ...price) function {
	return func(m *meter) any {
		if quick := m.bindQuick(fn); quick != nil && len(prices) == 0 {
			return quick
		}
		return m.bind(fn, prices)
	}
}

// bind makes fn pay. The result has fn's parameters and returns an error as
// well, so that text/template converts arguments as it does for fn itself.
func (m *meter) bind(fn any, prices []price) any {
	target := reflect.ValueOf(fn)
	call := target.Call
	if target.Type().IsVariadic() {
		call = target.CallSlice
	}
	typ := withError(target.Type())
	return reflect.MakeFunc(typ, func(args []reflect.Value) []reflect.Value {
		if err := m.pay(args, prices); err != nil {
			return []reflect.Value{reflect.Zero(typ.Out(0)), errorValue(err)}
		}
		results := call(args)
		if len(results) == 2 && !results[1].IsNil() {
			return results
		}
		return []reflect.Value{results[0], errorValue(m.weigh(results[0]))}
	}).Interface()
}

func (m *meter) pay(args []reflect.Value, prices []price) error {
	for _, arg := range args {
		if err := m.weigh(arg); err != nil {
			return err
		}
	}
	for _, price := range prices {
		if err := price(m, args); err != nil {
			return err
		}
	}
	return nil
}

// withError is the type of a function like typ that returns an error as well.
func withError(typ reflect.Type) reflect.Type {
	in := make([]reflect.Type, typ.NumIn())
	for i := range in {
		in[i] = typ.In(i)
	}
	return reflect.FuncOf(in, []reflect.Type{typ.Out(0), reflect.TypeFor[error]()}, typ.IsVariadic())
}

func errorValue(err error) reflect.Value { return reflect.ValueOf(&err).Elem() }

// bindQuick does what bind does for the commonest kinds of function, without
// reflection. It returns nil for others.
func (m *meter) bindQuick(fn any) any {
	switch fn := fn.(type) {
	case func(string) string:
		return func(s string) (string, error) { return paid(m, len(s), func() string { return fn(s) }) }
	case func(string, string) string:
		return func(a, b string) (string, error) {
			return paid(m, len(a)+len(b), func() string { return fn(a, b) })
		}
	case func(int, string) string:
		return func(n int, s string) (string, error) {
			return paid(m, len(s), func() string { return fn(n, s) })
		}
	case func(string, string) bool:
		return func(a, b string) (bool, error) {
			if err := m.spend(elementWork + len(a) + len(b)); err != nil {
				return false, err
			}
			return fn(a, b), nil
		}
	default:
		return nil
	}
}

// paid calls fn for size bytes of arguments and pays for its result.
func paid(m *meter, size int, fn func() string) (string, error) {
	if err := m.spend(elementWork + size); err != nil {
		return "", err
	}
	result := fn()
	return result, m.spend(len(result))
}
