package templates

import (
	"reflect"
	"slices"

	"github.com/Masterminds/sprig/v3"
)

// sprigFunctions are sprig's, each metered. What the table adds to the price is
// the time and memory that do not grow in proportion to arguments and result.
// Functions that take more than that, or change what they are given, are not
// taken from sprig but replaced: see the files beside this one.
//
//	function                      grows with
//	nindent                       lines × spaces
//	trimAll, trimall              characters × characters to trim
//	wrapWith                      characters × the separator
//	uniq                          elements²
//	without                       elements × elements to leave out
//	semver, semverCompare         characters²
//	add1f addf subf mulf divf     arguments²: each multiplies the digits
//	toPrettyJson                  elements × depth
//	cat squote toString(s) dict   nothing, but write no addresses
func sprigFunctions() map[string]function {
	prices := map[string]price{
		"nindent":          indenting,
		"trimAll":          product(0, 1),
		"trimall":          product(0, 1),
		"wrapWith":         product(1, 2),
		"uniq":             product(0, 0),
		"mustUniq":         product(0, 0),
		"without":          product(0, 1),
		"mustWithout":      product(0, 1),
		"semver":           product(0, 0),
		"semverCompare":    both(product(0, 0), product(1, 1)),
		"addf":             digits(0),
		"subf":             digits(1),
		"mulf":             digits(1),
		"divf":             digits(1),
		"toPrettyJson":     deeply,
		"mustToPrettyJson": deeply,
		"cat":              plainAll(0),
		"squote":           plainAll(0),
		"toString":         plain(0),
		"toStrings":        plain(0),
		"dict":             plainKeys,
	}
	cheap := []string{"all", "any", "coalesce", "default", "empty", "get", "hasKey", "kindIs", "kindOf", "ternary"}
	all := map[string]function{}
	for name, fn := range sprig.HermeticTxtFuncMap() {
		switch price, ok := prices[name]; {
		case ok:
			all[name] = metered(fn, price)
		case slices.Contains(cheap, name):
			all[name] = free(fn)
		default:
			all[name] = metered(fn)
		}
	}
	return all
}

func indenting(m *meter, args []reflect.Value) error {
	return m.spend(indentation(int(args[0].Int()), args[1].String()))
}

// product is the price of handling argument j once for each element of argument i.
func product(i, j int) price {
	return func(m *meter, args []reflect.Value) error {
		return m.spend(times(length(args[i]), length(args[j])))
	}
}

func both(a, b price) price {
	return func(m *meter, args []reflect.Value) error {
		if err := a(m, args); err != nil {
			return err
		}
		return b(m, args)
	}
}

// digits is the price of exact decimals over the arguments in list i: a float
// has up to 308 digits, and a product as many as its factors together.
func digits(i int) price {
	const perPair = 64
	return func(m *meter, args []reflect.Value) error {
		n := length(args[i])
		return m.spend(times(perPair, times(n, n)))
	}
}

// deeply is the price of writing a value on many lines, each indented by its depth.
func deeply(m *meter, args []reflect.Value) error {
	const lines = 2 * maxDepth / elementWork
	before := m.left
	if err := m.weigh(args[0]); err != nil {
		return err
	}
	return m.spend(times(lines, before-m.left))
}

// length is how many elements or bytes a value holds, 1 for one that holds none.
func length(v reflect.Value) int {
	for v.Kind() == reflect.Interface || v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	switch v.Kind() {
	case reflect.String, reflect.Slice, reflect.Array, reflect.Map:
		return v.Len()
	default:
		return 1
	}
}
