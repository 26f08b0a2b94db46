package inject

import (
	"fmt"
	"maps"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	meshconfig "istio.io/api/mesh/v1alpha1"
	networking "istio.io/api/networking/v1beta1"
	"sigs.k8s.io/yaml"
)

const proxyConfigAnnotation = "proxy.istio.io/config"

// A ProxyConfig is a resource of that kind (networking.istio.io): what it says
// holds for the pods of its namespace that its selector matches, for all of them
// where it has none, and in the mesh's root namespace for those of every other.
type ProxyConfig struct {
	Namespace, Name string
	// Spec gives concurrency, variables and the image's type. It is not changed.
	Spec *networking.ProxyConfig
}

// String names the resource for people.
func (p ProxyConfig) String() string { return fmt.Sprintf("ProxyConfig %s/%s", p.Namespace, p.Name) }

// selects says whether the resource names pods with these labels. One without a
// selector names none: it is for its whole namespace.
func (p ProxyConfig) selects(labels map[string]string) bool {
	wanted := p.Spec.GetSelector().GetMatchLabels()
	for key, value := range wanted {
		if has, ok := labels[key]; !ok || has != value {
			return false
		}
	}
	return len(wanted) > 0
}

// general says whether the resource is for its whole namespace.
func (p ProxyConfig) general(map[string]string) bool { return p.Spec.GetSelector() == nil }

// over is base with what the resource says laid over a copy of it: variables name
// by name, everything else whole.
func (p ProxyConfig) over(base *meshconfig.ProxyConfig) (*meshconfig.ProxyConfig, error) {
	if err := checkMetadata(p.Spec.GetEnvironmentVariables()); err != nil {
		return nil, fmt.Errorf("%s: environmentVariables: %w", p, err)
	}
	merged := proto.CloneOf(base)
	if concurrency := p.Spec.GetConcurrency(); concurrency != nil {
		merged.Concurrency = concurrency
	}
	if image := p.Spec.GetImage(); image != nil {
		merged.Image = image
	}
	if variables := p.Spec.GetEnvironmentVariables(); len(variables) > 0 {
		if merged.ProxyMetadata == nil {
			merged.ProxyMetadata = map[string]string{}
		}
		maps.Copy(merged.ProxyMetadata, variables)
	}
	return merged, nil
}

// effectiveProxyConfig is the pod's ProxyConfig, and what it was laid together
// from, lowest first:
//
//	the mesh's defaultConfig
//	a resource without selector in the mesh's root namespace
//	a resource without selector in the pod's namespace
//	the pod's annotation
//	a resource in the pod's namespace that selects the pod
//
// Of several resources in one place the oldest counts, alone. (EffectiveProxyConfig
// in Istio's pilot/pkg/model/proxy_config.go.)
func (r *rendering) effectiveProxyConfig(resources func(string) []ProxyConfig) (config *meshconfig.ProxyConfig, from []string, err error) {
	config = r.in.mesh.GetDefaultConfig()
	lay := func(namespace string, picks func(ProxyConfig, map[string]string) bool) {
		if err != nil || resources == nil || namespace == "" {
			return
		}
		for _, resource := range resources(namespace) {
			if picks(resource, r.pod.Labels) {
				from = append(from, resource.String())
				config, err = resource.over(config)
				return
			}
		}
	}
	root := r.in.mesh.GetRootNamespace()
	lay(root, ProxyConfig.general)
	if root != r.pod.Namespace {
		lay(r.pod.Namespace, ProxyConfig.general)
	}
	if doc, ok := r.pod.Annotations[proxyConfigAnnotation]; ok && err == nil {
		from = append(from, "the pod's annotation "+proxyConfigAnnotation)
		if config, err = annotatedProxyConfig(config, doc); err != nil {
			err = fmt.Errorf("annotation %s: %w", proxyConfigAnnotation, err)
		}
	}
	lay(r.pod.Namespace, ProxyConfig.selects)
	return config, from, err
}

// annotatedProxyConfig lays an annotation over a copy of base. As in Istio it is
// judged by what it makes of Istio's code defaults: base may be somebody else's.
func annotatedProxyConfig(base *meshconfig.ProxyConfig, doc string) (*meshconfig.ProxyConfig, error) {
	alone, err := parseProxyConfig(defaultProxyConfig, doc)
	if err != nil {
		return nil, err
	}
	if err := checkProxyConfig(alone); err != nil {
		return nil, err
	}
	return parseProxyConfig(base, doc)
}

// unknownFields says of each field of an annotation that no ProxyConfig has what
// its author may have meant. A field may be one that only a newer Istio knows,
// which is why this is never more than a warning.
func unknownFields(doc string) []string {
	var fields map[string]any
	if err := yaml.Unmarshal([]byte(doc), &fields); err != nil {
		return nil // the check says so
	}
	known := defaultProxyConfig.ProtoReflect().Descriptor()
	var out []string
	for _, name := range sortedKeys(fields) {
		if fieldOf(known, name) == nil {
			out = append(out, fmt.Sprintf("%q is unknown%s", short(name), nearestField(known, name)))
		}
	}
	return out
}

// nearestField is a question about the field that a name was most likely meant to
// be, "" where none is near.
func nearestField(message protoreflect.MessageDescriptor, name string) string {
	best, distance := "", 4
	for i := range message.Fields().Len() {
		field := message.Fields().Get(i).JSONName()
		if d := EditDistance(name, field, distance); d < distance {
			best, distance = field, d
		}
	}
	if best == "" {
		return ""
	}
	return ": did you mean " + best + "?"
}
