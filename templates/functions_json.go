package templates

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	meshconfig "istio.io/api/mesh/v1alpha1"
	"sigs.k8s.io/yaml"
)

// jsonFunctions are Istio's functions from and to JSON and YAML. None of them
// fails: what cannot be read or written is "{}".
func jsonFunctions() map[string]function {
	return map[string]function{
		"toJSON":       metered(func(m map[string]string) string { return marshal(m, m == nil) }),
		"toJsonMap":    metered(func(all ...map[string]string) string { return marshal(mergeMaps(all...), false) }),
		"structToJSON": metered(func(value any) string { return marshal(value, value == nil) }),
		"protoToJSON":  metered(protoToJSON),
		"fromJSON":     metered(fromJSON),
		"toYaml":       metered(toYAML, deeply),
	}
}

func marshal(value any, none bool) string {
	doc, err := json.Marshal(value)
	if none || err != nil {
		return "{}"
	}
	return forYAML(string(doc))
}

// forYAML is JSON without the characters that JSON takes as they are and YAML
// does not take, or takes for the end of a line (YAML 1.1, 5.1): they are escaped.
func forYAML(doc string) string {
	if !strings.ContainsFunc(doc, foreignToYAML) {
		return doc
	}
	var b strings.Builder
	for _, c := range doc {
		if foreignToYAML(c) {
			fmt.Fprintf(&b, `\u%04x`, c)
		} else {
			b.WriteRune(c)
		}
	}
	return b.String()
}

func foreignToYAML(c rune) bool {
	return c >= 0x7f && c < 0xa0 || slices.Contains([]rune{0x2028, 0x2029, 0xfeff, 0xfffe, 0xffff}, c)
}

func fromJSON(doc string) any {
	var value any
	if err := json.Unmarshal([]byte(doc), &value); err != nil {
		return "{}"
	}
	return value
}

// toYAML is a value as YAML, with a line feed at its end; "" for one that has no
// YAML.
func toYAML(value any) string {
	doc, err := yaml.Marshal(value)
	if err != nil {
		return ""
	}
	return string(doc)
}

// protoToJSON is a message as compact JSON, as Istio's agent reads it. A
// ProxyConfig loses what is Istio's default: that keeps pods small.
func protoToJSON(message proto.Message) string {
	if config, ok := message.(*meshconfig.ProxyConfig); ok {
		message = withoutDefaults(config)
	}
	if message == nil {
		return "{}"
	}
	// istio.io/api's own form does not vary from build to build, as protojson's does.
	if own, ok := message.(json.Marshaler); ok {
		if doc, err := own.MarshalJSON(); err == nil {
			return forYAML(string(doc))
		}
		return "{}"
	}
	doc, err := protojson.Marshal(message)
	if err != nil {
		return "{}"
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, doc); err != nil {
		return "{}"
	}
	return forYAML(compact.String())
}

// withoutDefaults is a copy of config without the fields that are as in
// defaultProxyConfig; nil for nil.
func withoutDefaults(config *meshconfig.ProxyConfig) proto.Message {
	if config == nil {
		return nil
	}
	rest := proto.CloneOf(config).ProtoReflect()
	defaults := defaultProxyConfig().ProtoReflect()
	fields := defaults.Descriptor().Fields()
	for i := range fields.Len() {
		if field := fields.Get(i); defaults.Has(field) && rest.Has(field) && rest.Get(field).Equal(defaults.Get(field)) {
			rest.Clear(field)
		}
	}
	return rest.Interface()
}
