package lifecycle

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"outrigger.dev/outrigger/charts"
)

// DefaultProfile is the one that counts where none is named, and that completes the others.
const DefaultProfile = "default"

// A Profile is a set of values under a name.
type Profile struct {
	Name string `json:"name"`
	// For says in a line what it is for.
	For string `json:"for"`
}

// Profiles are all there are, by name.
func Profiles() []Profile {
	names, err := fs.Glob(charts.Outrigger(), "profiles/*.yaml")
	if err != nil {
		panic(err) // the pattern is a valid one
	}
	slices.Sort(names)
	var all []Profile
	for _, file := range names {
		text, err := fs.ReadFile(charts.Outrigger(), file)
		if err != nil {
			panic(err) // it was just there, in memory
		}
		first, _, _ := strings.Cut(string(text), "\n")
		all = append(all, Profile{strings.TrimSuffix(path.Base(file), ".yaml"), strings.TrimPrefix(first, "# ")})
	}
	return all
}

// An UnknownProfileError is a name that no profile has.
type UnknownProfileError struct{ Name string }

// Error names the profile, and those that there are.
func (e UnknownProfileError) Error() string {
	var known []string
	for _, p := range Profiles() {
		known = append(known, p.Name)
	}
	return fmt.Sprintf("profile %q: unknown, want one of %s", e.Name, strings.Join(known, ", "))
}

// profileValues are what a profile sets itself.
func profileValues(name string) (Values, error) {
	known := slices.ContainsFunc(Profiles(), func(p Profile) bool { return p.Name == name })
	if !known {
		return nil, UnknownProfileError{name}
	}
	text, err := fs.ReadFile(charts.Outrigger(), "profiles/"+name+".yaml")
	if err != nil {
		return nil, err
	}
	values := Values{}
	return values, yaml.Unmarshal(text, &values)
}

// Complete gives all values that are in force with those given: the given ones, then
// their profile's, then those of the profile default, then the chart's own. The result
// shares nothing with what was given.
func Complete(given Values) (Values, error) {
	c, err := loadChart()
	if err != nil {
		return nil, err
	}
	values := given.clone()
	values.fill(Values(c.Values).clone())
	name, _ := values["profile"].(string)
	for _, name := range []string{name, DefaultProfile} {
		profile, err := profileValues(name)
		if err != nil {
			return nil, err
		}
		values.fill(profile)
	}
	return values, nil
}
