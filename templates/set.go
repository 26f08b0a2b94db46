package templates

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Options are what a set of templates is parsed with.
type Options struct {
	// Env is all that the function env sees. The process's environment is never read.
	Env map[string]string
	// Fixed has what is the same in every execution: Values, MeshConfig, Revision,
	// InboundTrafficPolicyMode and CompliancePolicy. What depends on nothing else is
	// worked out once. Nil: nothing is known to be the same. It is not changed.
	Fixed *Data
	// Common has besides what the data of most pods has: ProxyConfig (that very
	// one), NativeSidecars, ProxyImage, ProxyInitImage, ProxyUID and ProxyGID. Pods
	// with just that are rendered faster. Nil: nothing is common. It is not changed.
	Common *Data
}

// A Set is templates by name, parsed and ready. It does not change and is safe
// for concurrent use; executions share no lock.
type Set struct {
	programs map[string]*program
}

// Parse parses every text under its name. An error names each template that does
// not parse and the line; then there is no set at all.
func Parse(texts map[string]string, opts Options) (*Set, error) {
	known := functions(maps.Clone(opts.Env))
	set := &Set{programs: make(map[string]*program, len(texts))}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		program, err := compile(texts[name], known, opts)
		if err != nil {
			errs = append(errs, fmt.Errorf("template %q: %w", name, err))
			continue
		}
		set.programs[name] = program
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return set, nil
}

// Names returns the names of the templates, sorted.
func (s *Set) Names() []string { return slices.Sorted(maps.Keys(s.programs)) }

// Execute renders a template for a pod. The output is what the template wrote: nothing has looked whether it is YAML. Execute does
// not change data. An error names the template, the line and the cause.
func (s *Set) Execute(name string, data *Data) (string, error) {
	program, ok := s.programs[name]
	if !ok {
		return "", fmt.Errorf("template %q: there is none of that name, only %s", name, strings.Join(s.Names(), ", "))
	}
	output, err := program.execute(data)
	if err != nil {
		return "", fmt.Errorf("template %q: %w", name, err)
	}
	return output, nil
}
