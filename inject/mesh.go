package inject

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	meshconfig "istio.io/api/mesh/v1alpha1"
	"outrigger.dev/outrigger/templates"
	"sigs.k8s.io/yaml"
)

// ParseMesh reads key "mesh" of Istio's ConfigMap istio, laid over Istio's code
// defaults (ApplyMeshConfig in Istio's pkg/config/mesh/mesh.go): a field that is
// there replaces the default, except that defaultConfig and defaultProviders
// are laid over field by field and extensionProviders by name.
func ParseMesh(doc []byte) (*meshconfig.MeshConfig, error) {
	mesh := templates.DefaultMesh()
	raw, err := yaml.YAMLToJSON(doc)
	if err != nil {
		return nil, fmt.Errorf("mesh: %w", err)
	}
	defaults, _ := proto.Clone(mesh).(*meshconfig.MeshConfig)
	if err := overlay(mesh, raw); err != nil {
		return nil, fmt.Errorf("mesh: %w", err)
	}
	var parts map[string]json.RawMessage // a struct would take "defaultconfig" too
	if err := json.Unmarshal(raw, &parts); err != nil {
		return nil, fmt.Errorf("mesh: %w", err)
	}
	if mesh.DefaultConfig, err = overlayProxyConfig(defaults.GetDefaultConfig(), parts["defaultConfig"]); err != nil {
		return nil, fmt.Errorf("mesh: defaultConfig: %w", err)
	}
	mesh.DefaultProviders = defaults.DefaultProviders
	if given(parts["defaultProviders"]) {
		if err := overlay(mesh.DefaultProviders, parts["defaultProviders"]); err != nil {
			return nil, fmt.Errorf("mesh: defaultProviders: %w", err)
		}
	}
	mesh.ExtensionProviders = overlayProviders(defaults.ExtensionProviders, mesh.ExtensionProviders)
	return mesh, nil
}

// overlayProviders replaces providers of the same name and appends the others.
func overlayProviders(base, more []*meshconfig.MeshConfig_ExtensionProvider) []*meshconfig.MeshConfig_ExtensionProvider {
	out := append([]*meshconfig.MeshConfig_ExtensionProvider(nil), base...)
next:
	for _, provider := range more {
		for i := range out {
			if out[i].Name == provider.Name {
				out[i] = provider
				continue next
			}
		}
		out = append(out, provider)
	}
	return out
}

// parseProxyConfig reads a ProxyConfig (YAML) and lays it over base, which is
// not changed.
func parseProxyConfig(base *meshconfig.ProxyConfig, doc string) (*meshconfig.ProxyConfig, error) {
	raw, err := yaml.YAMLToJSON([]byte(doc))
	if err != nil {
		return nil, err
	}
	if given(raw) && raw[0] != '{' {
		return nil, errors.New("is no map, wanted the fields of a ProxyConfig")
	}
	if err := checkEnums(base.ProtoReflect().Descriptor(), raw); err != nil {
		return nil, err
	}
	return overlayProxyConfig(base, raw)
}

// checkEnums refuses a name that an enum does not have. In a ConfigMap one may
// come from a newer Istio; in what a pod's author writes it is a mistake.
func checkEnums(message protoreflect.MessageDescriptor, raw json.RawMessage) error {
	var fields map[string]any
	if err := json.Unmarshal(raw, &fields); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		field := fieldOf(message, name)
		value, isText := fields[name].(string)
		if !isText || field == nil || field.Enum() == nil {
			continue
		}
		if field.Enum().Values().ByName(protoreflect.Name(value)) == nil {
			return fmt.Errorf("%s: %q is unknown", name, value)
		}
	}
	return nil
}

// overlayProxyConfig lays JSON over a copy of base: proxyMetadata key by key,
// any other field whole (MergeProxyConfig in Istio's pkg/config/mesh/mesh.go).
func overlayProxyConfig(base *meshconfig.ProxyConfig, raw json.RawMessage) (*meshconfig.ProxyConfig, error) {
	merged, ok := proto.Clone(base).(*meshconfig.ProxyConfig)
	if !ok || merged == nil {
		merged = &meshconfig.ProxyConfig{}
	}
	if !given(raw) {
		return merged, nil
	}
	if err := overlay(merged, raw); err != nil {
		return nil, err
	}
	if len(base.GetProxyMetadata()) > 0 {
		all := maps.Clone(base.GetProxyMetadata())
		maps.Copy(all, merged.GetProxyMetadata())
		merged.ProxyMetadata = all
	}
	return merged, nil
}

func given(raw json.RawMessage) bool {
	return len(raw) > 0 && string(raw) != "null"
}

// overlay sets the fields of message that raw has, zero values included, which
// protobuf's own merge would leave out. Unknown fields are ignored: a mesh
// configuration may be newer than we are.
func overlay(message proto.Message, raw json.RawMessage) error {
	dst := message.ProtoReflect()
	fresh := dst.New()
	if !given(raw) {
		return nil
	}
	sent, err := decodeObject(raw)
	if err != nil {
		return err
	}
	fields, _ := asProtoJSON(sent, dst.Descriptor()).(object)
	if raw, err = encode(fields); err != nil {
		return err
	}
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(raw, fresh.Interface()); err != nil {
		return err
	}
	for name, value := range fields {
		field := fieldOf(dst.Descriptor(), name)
		switch {
		case field == nil || value == nil:
		case fresh.Has(field):
			dst.Set(field, fresh.Get(field))
		default:
			dst.Clear(field)
		}
	}
	return nil
}

func fieldOf(message protoreflect.MessageDescriptor, name string) protoreflect.FieldDescriptor {
	if field := message.Fields().ByJSONName(name); field != nil {
		return field
	}
	return message.Fields().ByTextName(name)
}
