package templates

import (
	"fmt"
	"math"
	"reflect"
)

// An execution has maxWork units to spend, so that it ends whatever a template
// says: a node that is executed costs nodeWork of them, and a function one for
// each byte that it is given or gives, elementWork for anything but a byte. The
// built-in sidecar takes 40,000 for a small pod and a million for one of a
// hundred containers; spending them all takes about half a second.
const (
	maxWork     = 8 << 20
	nodeWork    = 16
	elementWork = 16
)

// maxDepth is how deep a value may be nested. Pods reach 12; a value that holds
// itself has no end, and printing it would end the process.
const maxDepth = 50

// errWork says that an execution has used up its work.
var errWork = fmt.Errorf("more than %d units of work: shorten the loops, or what they handle", maxWork)

// errDepth says that a value is nested too deep, or holds itself.
var errDepth = fmt.Errorf("a value is nested more than %d deep", maxDepth)

// A meter counts one execution's work. It is not safe for concurrent use.
type meter struct{ left int }

// spend takes n units, or everything and an error where they are not there.
func (m *meter) spend(n int) error {
	if n < 0 || n > m.left {
		m.left = 0
		return errWork
	}
	m.left -= n
	return nil
}

// weigh spends what handling v once costs, all that it holds included.
func (m *meter) weigh(v reflect.Value) error { return m.weighAt(v, 0) }

// weighText is weigh for a value that text is made of.
func (m *meter) weighText(v reflect.Value) error {
	if err := m.weigh(v); err != nil {
		return err
	}
	return noAddresses([]reflect.Value{v}, true)
}

func (m *meter) weighAt(v reflect.Value, depth int) error {
	if depth > maxDepth {
		return errDepth
	}
	switch v.Kind() {
	case reflect.String:
		return m.spend(elementWork + v.Len())
	case reflect.Interface, reflect.Pointer:
		if v.IsNil() {
			return m.spend(elementWork)
		}
		return m.weighAt(v.Elem(), depth)
	case reflect.Slice, reflect.Array:
		return m.weighList(v, depth)
	case reflect.Map:
		return m.weighMap(v, depth)
	case reflect.Struct:
		return m.weighStruct(v, depth)
	default:
		return m.spend(elementWork)
	}
}

func (m *meter) weighList(v reflect.Value, depth int) error {
	if v.Type().Elem().Kind() == reflect.Uint8 {
		return m.spend(elementWork + v.Len())
	}
	if err := m.spend(elementWork); err != nil {
		return err
	}
	for i := range v.Len() {
		if err := m.weighAt(v.Index(i), depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (m *meter) weighMap(v reflect.Value, depth int) error {
	if err := m.spend(elementWork); err != nil {
		return err
	}
	for entry := v.MapRange(); entry.Next(); {
		if err := m.weighAt(entry.Key(), depth+1); err != nil {
			return err
		}
		if err := m.weighAt(entry.Value(), depth+1); err != nil {
			return err
		}
	}
	return nil
}

// weighStruct looks at exported fields only: the others of a protobuf message
// lead to its type's whole description.
func (m *meter) weighStruct(v reflect.Value, depth int) error {
	if err := m.spend(elementWork); err != nil {
		return err
	}
	for i := range v.NumField() {
		if !v.Type().Field(i).IsExported() {
			continue
		}
		if err := m.weighAt(v.Field(i), depth+1); err != nil {
			return err
		}
	}
	return nil
}

// times is a*b, or the largest int where that is too much for one.
func times(a, b int) int {
	if a < 0 || b < 0 || (b != 0 && a > math.MaxInt/b) {
		return math.MaxInt
	}
	return a * b
}
