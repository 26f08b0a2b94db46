package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"
	"outrigger.dev/outrigger/charts"
	"outrigger.dev/outrigger/inject"
)

// A configuration is what a verb that injects without a cluster is configured with:
// files, and the default profile's in the place of those that are not named.
type configuration struct{ config, values, mesh string }

func (c *configuration) addTo(f *pflag.FlagSet) {
	f.StringVar(&c.config, "config", "", "`file` with policy, templates and selectors")
	f.StringVar(&c.values, "values", "", "`file` with the values that templates read")
	f.StringVar(&c.mesh, "mesh-config", "", "`file` with the mesh configuration")
}

// sources reads the files.
func (c *configuration) sources() (sources inject.Sources, err error) {
	sources.Config, sources.Values, sources.Mesh = charts.Default()
	_, err = c.replace(&sources)
	return sources, err
}

// replace reads the files that are named over what sources are there, and returns
// their names.
func (c *configuration) replace(sources *inject.Sources) (names []string, err error) {
	for _, file := range []struct {
		name string
		into *[]byte
	}{{c.config, &sources.Config}, {c.values, &sources.Values}, {c.mesh, &sources.Mesh}} {
		if file.name == "" {
			continue
		}
		if *file.into, err = os.ReadFile(file.name); err != nil {
			return nil, err
		}
		names = append(names, file.name)
	}
	return names, nil
}

// injector is that of the files, with nothing else set.
func (c *configuration) injector() (*inject.Injector, error) {
	sources, err := c.sources()
	if err != nil {
		return nil, err
	}
	injector, err := inject.New(sources, inject.Settings{})
	if err != nil {
		return nil, inEach("configuration", err)
	}
	return injector, nil
}

// configurationAt is the configuration behind one name: a file config, or a folder
// with the files config, values and mesh, of which none has to be there but one.
func configurationAt(name string) (configuration, error) {
	stat, err := os.Stat(name)
	if err != nil {
		return configuration{}, err
	}
	if !stat.IsDir() {
		return configuration{config: name}, nil
	}
	var c configuration
	for key, file := range map[string]*string{"config": &c.config, "values": &c.values, "mesh": &c.mesh} {
		if path := filepath.Join(name, key); isFile(path) {
			*file = path
		}
	}
	if c == (configuration{}) {
		return c, fmt.Errorf("%s: none of the files config, values and mesh is in it, want one at least", name)
	}
	return c, nil
}

func isFile(name string) bool {
	stat, err := os.Stat(name)
	return err == nil && !stat.IsDir()
}
