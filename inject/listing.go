package inject

import (
	"maps"
	"slices"
)

// A TemplateInfo is a template of a configuration.
type TemplateInfo struct {
	Name string
	// Default says that pods which name none get it.
	Default bool
	// Aliases stand for it, alone or with others; sorted.
	Aliases []string
	// Builtin says that it is one of ours, not one of the configuration's.
	Builtin bool
	// Quarantined is why it is kept out; nil for one that renders.
	Quarantined error
}

// Templates lists the templates that pods may ask for, and those that are kept out,
// by name.
func (in *Injector) Templates() []TemplateInfo {
	defaults := in.config.expand(in.config.DefaultTemplates)
	var out []TemplateInfo
	for _, name := range in.set.Names() {
		_, own := in.config.Templates[name]
		t := TemplateInfo{Name: name, Default: slices.Contains(defaults, name), Builtin: !own, Quarantined: in.quarantined[name]}
		for _, alias := range slices.Sorted(maps.Keys(in.config.Aliases)) {
			if slices.Contains(in.config.Aliases[alias], name) {
				t.Aliases = append(t.Aliases, alias)
			}
		}
		out = append(out, t)
	}
	return out
}
