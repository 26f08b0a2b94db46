package inject

import (
	"slices"

	"k8s.io/apimachinery/pkg/api/resource"
)

// defaulted is sent where it is fresh as the API server stores it, and fresh
// otherwise. What that does to the value of a field:
//
//	it fills in defaults                     protocol: TCP, and in place of zero, but for modes
//	it leaves out what is empty or zero      initialDelaySeconds: 0
//	it writes quantities in their own form   2000m becomes 2
//
// field is the name of the field, "" for an element of a list.
func defaulted(field string, fresh, sent any) any {
	if isDefaulted(field, fresh, sent) {
		return sent
	}
	return fresh
}

func isDefaulted(field string, fresh, sent any) bool {
	switch f := fresh.(type) {
	case object:
		s, ok := sent.(object)
		if !ok {
			return false
		}
		for name, value := range f {
			other, stored := s[name]
			if !stored && isDropped(name, value) {
				continue
			}
			if !stored || !isDefaulted(within(field, name), value, other) {
				return false
			}
		}
		for name, value := range s {
			if _, ours := f[name]; !ours && !isAPIDefault(name, value) {
				return false
			}
		}
		return true
	case []any:
		s, ok := sent.([]any)
		return ok && slices.EqualFunc(f, s, func(f, s any) bool { return isDefaulted("", f, s) })
	default:
		return equal(fresh, sent) ||
			isEmpty(fresh) && field != "defaultMode" && isAPIDefault(field, sent) ||
			slices.Contains(quantities, field) && sameQuantity(fresh, sent)
	}
}

// quantities are the fields that hold an amount. What is in limits and requests
// is named by its resource, so within calls it a quantity.
var quantities = []string{anyQuantity, "divisor", "sizeLimit"}

const anyQuantity = "quantity"

// within names a field of the object in another field, for defaulted.
func within(parent, field string) string {
	if parent == "limits" || parent == "requests" {
		return anyQuantity
	}
	return field
}

// sameQuantity compares amounts; in YAML some are numbers.
func sameQuantity(a, b any) bool {
	x, err := resource.ParseQuantity(scalar(a))
	if err != nil {
		return false
	}
	y, err := resource.ParseQuantity(scalar(b))
	return err == nil && x.Cmp(y) == 0
}

// dropped are the fields below a container or a volume that the API server does
// not store where they are empty or zero, lists and maps apart, of which that is
// true of all: those that its types do not have as pointers.
var dropped = []string{
	"audience", "host", "hostIP", "hostPort", "initialDelaySeconds", "medium", "readOnly",
	"stdin", "stdinOnce", "subPath", "subPathExpr", "tty", "value", "workingDir",
}

// isDropped says whether the API server would not store a field with this value.
func isDropped(field string, value any) bool {
	switch value := value.(type) {
	case nil:
		return true
	case []any:
		return len(value) == 0
	case object:
		return len(value) == 0 && (field == "limits" || field == "requests")
	default:
		return isEmpty(value) && slices.Contains(dropped, field)
	}
}

// apiDefaults are the values that the API server fills in below a container or
// a volume, by field (SetDefaults_* in Kubernetes' pkg/apis/core/v1/defaults.go
// and zz_generated.defaults.go).
var apiDefaults = map[string][]string{
	"apiVersion":        {"v1"},
	"defaultMode":       {"420"},
	"expirationSeconds": {"3600"},
	"failureThreshold":  {"3"},
	"periodSeconds":     {"10"},
	"successThreshold":  {"1"},
	"timeoutSeconds":    {"1"},
	"protocol":          {"TCP"},
	"scheme":            {"HTTP"},
	"path":              {"/"},
	"divisor":           {"0"},
	"service":           {""},
	"type":              {""},
	"fsType":            {"ext4"},
	"readOnly":          {"false"},
}

// isAPIDefault also takes the source that a volume without one gets.
func isAPIDefault(field string, value any) bool {
	if o, ok := value.(object); ok {
		return field == "emptyDir" && len(o) == 0
	}
	return slices.Contains(apiDefaults[field], scalar(value))
}
