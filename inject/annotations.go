package inject

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"net/netip"

	"k8s.io/apimachinery/pkg/api/resource"
)

// checkAnnotations refuses a pod with a value that would make the proxy do
// something else than its author wants, or that would end the quotes it is
// pasted between. All that is wrong is said at once.
func (r *rendering) checkAnnotations(resources func(string) []ProxyConfig) error {
	var wrong []string
	for _, key := range sortedStrings(r.pod.Annotations) {
		k, known := LookupKey(key)
		if !known || k.deny == nil {
			continue
		}
		if err := k.deny(r.pod.Annotations[key]); err != nil {
			wrong = append(wrong, fmt.Sprintf("annotation %s: %v", key, err))
		}
	}
	var err error
	if r.proxyConfig, r.proxyConfigFrom, err = r.effectiveProxyConfig(resources); err != nil {
		wrong = append(wrong, err.Error())
	}
	if len(wrong) > 0 {
		return denied(BadAnnotation, "%s", strings.Join(wrong, "; "))
	}
	return nil
}

// readAnnotations warns of what is written on the pod and has no effect, and
// keeps it from the templates.
func (r *rendering) readAnnotations() {
	label, hasLabel := r.pod.Labels[InjectKey]
	value, hasAnnotation := r.pod.Annotations[InjectKey]
	if hasLabel {
		r.warnUnlessBool("label", label)
	} else if hasAnnotation {
		r.warnUnlessBool("annotation", value)
	}
	for _, key := range sortedStrings(r.pod.Annotations) {
		k, known := LookupKey(key)
		if !known {
			continue
		}
		if k.Instead != "" {
			r.warn("annotation %s is deprecated: write %s", key, k.Instead)
		}
		if k.ignore == nil {
			continue
		}
		if err := k.ignore(r.pod.Annotations[key]); err != nil {
			r.warn("annotation %s: %v: ignored", key, err)
			delete(r.pod.Annotations, key)
		} else if k.spell != nil {
			r.pod.Annotations[key] = k.spell(r.pod.Annotations[key])
		}
	}
	if doc, ok := r.pod.Annotations[proxyConfigAnnotation]; ok {
		for _, field := range unknownFields(doc) {
			r.warn("%s: %s", proxyConfigAnnotation, field)
		}
	}
	r.warnUnknown(r.pod.Labels)
	r.warnUnknown(r.pod.Annotations)
}

// warnUnknown warns of keys that nobody reads.
func (r *rendering) warnUnknown(m map[string]string) {
	for _, key := range sortedStrings(m) {
		if problem := unknownKey(key); problem != "" {
			r.warn("%s", problem)
		}
	}
}

func (r *rendering) warnUnlessBool(what, value string) {
	if value != "true" && value != "false" && value != "" {
		r.warn("%s %s: %q is ignored, wanted true or false", what, InjectKey, short(value))
	}
}

// short cuts a value that goes into a sentence.
func short(value string) string {
	const most = 40
	if len(value) <= most {
		return value
	}
	return value[:most] + "…"
}

func oneOf(values ...string) func(string) error {
	return func(value string) error {
		if !slices.Contains(values, value) {
			return fmt.Errorf("%q is unknown, wanted %s", short(value), strings.Join(values, ", "))
		}
		return nil
	}
}

func wildcardOr(check func(string) error) func(string) error {
	return func(value string) error {
		if value == "*" {
			return nil
		}
		return check(value)
	}
}

// each checks the entries of a list by comma; an empty list has none.
func each(value string, check func(string) error) error {
	if value == "" {
		return nil
	}
	for entry := range strings.SplitSeq(value, ",") {
		if err := check(entry); err != nil {
			return err
		}
	}
	return nil
}

func ipRanges(value string) error {
	return each(value, func(entry string) error {
		if _, err := netip.ParsePrefix(entry); err != nil {
			return fmt.Errorf("%q is no CIDR, wanted one like 10.0.0.0/8", short(entry))
		}
		return nil
	})
}

func ports(value string) error {
	return each(value, func(entry string) error { return port(entry) })
}

func port(value string) error {
	if _, err := strconv.ParseUint(trim(value), 10, 16); err != nil {
		return fmt.Errorf("%q is no port, wanted 0 to 65535", short(value))
	}
	return nil
}

// seconds are, in a probe, an int32.
func seconds(value string) error {
	if _, err := strconv.ParseUint(value, 10, 31); err != nil {
		return fmt.Errorf("%q is no number, wanted 0 to 2147483647", short(value))
	}
	return nil
}

func quantity(value string) error {
	if _, err := resource.ParseQuantity(value); err != nil {
		return fmt.Errorf("%q is no quantity, wanted one like 100m or 128Mi", short(value))
	}
	return nil
}

// interfaceName is what Linux takes for one.
var interfaceName = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9_.\-]{0,14}$`)

func interfaces(value string) error {
	return each(value, func(entry string) error {
		if !interfaceName.MatchString(entry) {
			return fmt.Errorf("%q is no interface, wanted a name of at most 15 characters", short(entry))
		}
		return nil
	})
}

// plain refuses what would end a quoted YAML string, or start another line.
func plain(value string) error {
	if at := strings.IndexFunc(value, func(c rune) bool { return c == '"' || c == '\'' || c == '\\' || c < ' ' || c == 0x7f }); at >= 0 {
		return fmt.Errorf("%q has a quote, a backslash or a control character, wanted none", short(value))
	}
	return nil
}

// unquoted refuses what would end a single-quoted YAML string.
func unquoted(value string) error {
	if strings.ContainsFunc(value, func(c rune) bool { return c == '\'' || c < ' ' || c == 0x7f }) {
		return fmt.Errorf("%q has a single quote or a control character, wanted none", short(value))
	}
	return nil
}

// plainNames refuses names in a JSON object that templates cannot paste. The names in a
// list are in what they write of each element.
func plainNames(value string) error {
	o, err := decodeObject([]byte(value))
	if err != nil {
		return nil // a list, or what counts as absent
	}
	for _, name := range sortedKeys(o) {
		if err := plain(name); err != nil {
			return err
		}
	}
	return nil
}

func jsonObject(value string) error {
	if _, err := decodeObject([]byte(value)); err != nil {
		return fmt.Errorf("%q is no JSON object", short(value))
	}
	return nil
}

func boolean(value string) error {
	if _, err := strconv.ParseBool(value); err != nil {
		return fmt.Errorf("%q is neither true nor false", short(value))
	}
	return nil
}

// trueOrFalse is stricter than [boolean]: templates compare with these words.
func trueOrFalse(value string) error {
	if value != "true" && value != "false" {
		return fmt.Errorf("%q is neither true nor false", short(value))
	}
	return nil
}

func withSlash(value string) error {
	if !strings.Contains(value, "/") {
		return fmt.Errorf("%q has no slash, as in hub/name:tag", short(value))
	}
	return nil
}

func trim(value string) string { return strings.TrimSpace(value) }

func sortedStrings(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
