package templates

import (
	"maps"
	"text/template"
)

// functions returns what a template may call, by name. Where two of the groups
// below have a name, the later one's counts.
func functions(env map[string]string) map[string]function {
	all := sprigFunctions()
	for _, group := range []map[string]function{
		refusedFunctions(),
		printFunctions(),
		textFunctions(),
		listFunctions(),
		dictFunctions(),
		regexFunctions(),
		jsonFunctions(),
		podFunctions(),
		envFunctions(env),
	} {
		maps.Copy(all, group)
	}
	return all
}

// parsing returns functions in the form in which text/template looks at them
// while it parses: only their names count.
func parsing(all map[string]function) template.FuncMap {
	known := make(template.FuncMap, len(all))
	for name := range all {
		known[name] = func() string { return "" }
	}
	return known
}

// envFunctions are Istio's env NAME DEFAULT, answered from a map: the process's
// environment holds what no pod's author should read.
func envFunctions(env map[string]string) map[string]function {
	return map[string]function{
		"env": free(func(name, otherwise string) string {
			if value := env[name]; value != "" {
				return value
			}
			return otherwise
		}),
	}
}
