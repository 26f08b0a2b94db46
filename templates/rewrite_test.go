// This test is inside the package to see which methods are refused.
package templates

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/resource"
)

// TestReachableMethods lists the methods, Get… apart, that a template can call of
// its data: those that give a value, and maybe an error. Each of them was looked
// at: it changes nothing that is shared, and takes about as long as its text is.
// A new one has to be looked at as well, and then be listed here or refused. No
// field may be refused for its name, a quantity's format apart.
func TestReachableMethods(t *testing.T) {
	want := strings.Fields(`
		Abs Add AddDate After AsApproximateFloat64 AsDuration AsFloat64Slow Before CheckValid Cmp CmpInt64 Compare
		Cpu Day Empty Enum Equal Error GroupKind GroupResource GroupVersion GroupVersionKind Hour Hours Identifier In
		IntValue IsDST IsValid IsZero Location MatchToleration Memory Microseconds MilliValue Milliseconds Minute
		Minutes Month Name Nanosecond Nanoseconds New Number Pods Rfc3339Copy Round Second Seconds Sign Storage
		StorageEphemeral String Sub ToleratesTaint Truncate Type UTC Unix UnixMicro UnixMilli UnixNano Value Weekday
		WithKind WithResource WithVersion Year YearDay`)
	r := reach{types: map[reflect.Type]bool{}, methods: map[string]bool{}, refused: map[string]bool{}}
	r.visit(reflect.TypeFor[*Data]())
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(r.methods))); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	for field, refused := range r.refused {
		if refused {
			t.Errorf("field %s is refused for its name", field)
		}
	}
}

type reach struct {
	types   map[reflect.Type]bool
	methods map[string]bool
	refused map[string]bool // fields by name
}

func (r *reach) visit(typ reflect.Type) {
	if r.types[typ] {
		return
	}
	r.types[typ] = true
	receiver := typ
	if typ.Kind() != reflect.Pointer && typ.Kind() != reflect.Interface {
		receiver = reflect.PointerTo(typ)
	}
	for method := range receiver.Methods() {
		results := method.Type.NumOut()
		if refusedMethod(method.Name) || results == 0 || results == 2 && method.Type.Out(1) != reflect.TypeFor[error]() || results > 2 {
			continue
		}
		if !strings.HasPrefix(method.Name, "Get") {
			r.methods[method.Name] = true
		}
		r.visit(method.Type.Out(0))
	}
	switch typ.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		r.visit(typ.Elem())
	case reflect.Struct:
		for field := range typ.Fields() {
			if field.IsExported() && typ != reflect.TypeFor[resource.Quantity]() {
				r.refused[field.Name] = r.refused[field.Name] || refusedMethod(field.Name)
				r.visit(field.Type)
			}
		}
	}
}
