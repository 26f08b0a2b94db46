package inject

import (
	"fmt"
	"maps"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/yaml"
)

// Config is key "config" of a ConfigMap: what Istio's istio-sidecar-injector
// has there (Config in Istio's pkg/kube/inject/inject.go), and some more. Keys
// that it does not know are ignored, as Istio ignores them.
type Config struct {
	// Policy is what happens to a pod that nothing else decides about: "enabled"
	// or "disabled".
	Policy string `json:"policy"`
	// DefaultTemplates are laid over a pod that names none; empty means sidecar.
	DefaultTemplates []string `json:"defaultTemplates"`
	// Templates are added to the built-in ones; the same name replaces.
	Templates map[string]string `json:"templates"`
	// Aliases are names for lists of templates. They are looked up once: an
	// alias in an alias is the name of a template.
	Aliases map[string][]string `json:"aliases"`
	// NeverInjectSelector and AlwaysInjectSelector choose pods by label, where
	// the pod itself says nothing. Any of a list suffices; an empty one matches
	// nothing.
	NeverInjectSelector  []metav1.LabelSelector `json:"neverInjectSelector"`
	AlwaysInjectSelector []metav1.LabelSelector `json:"alwaysInjectSelector"`
	// InjectedAnnotations are written last on every injected pod.
	InjectedAnnotations map[string]string `json:"injectedAnnotations"`

	// CheckNamespace has the injector look at the namespace's labels once more,
	// so that a selector that was widened by accident injects nobody.
	CheckNamespace bool `json:"checkNamespace"`
	// OwnerKinds say, for kinds of workloads, whether and how their pods are
	// injected, where the pod itself says nothing.
	OwnerKinds []OwnerKindMode `json:"ownerKinds"`
	// UserCollision is what happens where a container of the pod runs as the
	// proxy's user, whose traffic is not redirected: "warn" (or nothing) or "deny".
	UserCollision string `json:"userCollision"`
	// FaultPolicy is what a fault of ours means for the pod: "ignore", "deny",
	// or "" for what the webhook's failurePolicy says.
	FaultPolicy string `json:"faultPolicy"`
	// Retired names containers, volumes and pull secrets that templates of
	// earlier configurations added and none does now, so that they are taken out
	// of pods that still carry them.
	Retired []string `json:"retired"`

	never, always []labels.Selector
}

// An OwnerKindMode says what is done with the pods of a kind of workload.
type OwnerKindMode struct {
	// APIVersion is the workload's; empty matches any.
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	// Mode is "skip", or the kind of sidecar: "native" or "classic".
	Mode string `json:"mode"`
}

func (m OwnerKindMode) matches(owner Owner) bool {
	return m.Kind == owner.Kind && (m.APIVersion == "" || m.APIVersion == owner.APIVersion)
}

// ownerKind is the first entry for a workload.
func (c *Config) ownerKind(owner Owner) (OwnerKindMode, bool) {
	at := slices.IndexFunc(c.OwnerKinds, func(m OwnerKindMode) bool { return m.matches(owner) })
	if at < 0 {
		return OwnerKindMode{}, false
	}
	return c.OwnerKinds[at], true
}

// ParseConfig reads key "config", and refuses what would surprise later: a
// policy that is none, a selector that does not parse.
func ParseConfig(doc []byte) (*Config, error) {
	var c Config
	if err := yaml.Unmarshal(doc, &c); err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	if c.Policy != "enabled" && c.Policy != "disabled" {
		return nil, fmt.Errorf("config: policy %q, wanted enabled or disabled", c.Policy)
	}
	if !slices.Contains([]string{"", "ignore", "deny"}, c.FaultPolicy) {
		return nil, fmt.Errorf("config: faultPolicy %q, wanted ignore, deny or nothing", c.FaultPolicy)
	}
	if !slices.Contains([]string{"", "warn", "deny"}, c.UserCollision) {
		return nil, fmt.Errorf("config: userCollision %q, wanted warn or deny", c.UserCollision)
	}
	for i, m := range c.OwnerKinds {
		if m.Kind == "" || !slices.Contains([]string{"native", "classic", "skip"}, m.Mode) {
			return nil, fmt.Errorf("config: ownerKinds %d: kind %q, mode %q, wanted a kind, and native, classic or skip", i, m.Kind, m.Mode)
		}
	}
	if len(c.DefaultTemplates) == 0 {
		c.DefaultTemplates = []string{"sidecar"}
	}
	var err error
	if c.never, err = selectors("neverInjectSelector", c.NeverInjectSelector); err != nil {
		return nil, err
	}
	if c.always, err = selectors("alwaysInjectSelector", c.AlwaysInjectSelector); err != nil {
		return nil, err
	}
	return &c, nil
}

// selectors parses label selectors. An empty one becomes one that matches
// nothing, as it does in Istio, and not everything, as it does in Kubernetes.
func selectors(field string, list []metav1.LabelSelector) ([]labels.Selector, error) {
	out := make([]labels.Selector, 0, len(list))
	for i := range list {
		s, err := metav1.LabelSelectorAsSelector(&list[i])
		if err != nil {
			return nil, fmt.Errorf("config: %s %d: %w", field, i, err)
		}
		if s.Empty() {
			s = labels.Nothing()
		}
		out = append(out, s)
	}
	return out, nil
}

// expand resolves aliases, once.
func (c *Config) expand(names []string) []string {
	var out []string
	for _, name := range names {
		if aliased, ok := c.Aliases[name]; ok {
			out = append(out, aliased...)
			continue
		}
		out = append(out, name)
	}
	return out
}

// essential are the templates of this configuration that pods get without
// naming them, and so have to render before it is put in force: its defaults,
// what its aliases stand for, and the built-in ones that it did not replace.
func (c *Config) essential(builtin map[string]string) []string {
	names := c.expand(c.DefaultTemplates)
	for _, alias := range slices.Sorted(maps.Keys(c.Aliases)) {
		names = append(names, c.Aliases[alias]...)
	}
	for _, name := range slices.Sorted(maps.Keys(builtin)) {
		if _, replaced := c.Templates[name]; !replaced {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
