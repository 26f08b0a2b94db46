package dryrun

import (
	"maps"
	"regexp"
	"slices"
	"sync"

	"outrigger.dev/outrigger/inject"
)

// nativeEnv is the variable that decides about native sidecars before the nodes do.
const nativeEnv = "ENABLE_NATIVE_SIDECARS"

// maxVariants is how many injectors are kept for questions that ask "what if".
const maxVariants = 4

// variants are injectors of the configuration in force, with other settings. One is
// made at a time: that takes as long as some hundred admissions.
type variants struct {
	mu   sync.Mutex
	of   string
	made map[string]*inject.Injector
}

// injector is the source's own where the settings are, or else one that is made.
func (v *variants) injector(source Source, settings inject.Settings) (*inject.Injector, error) {
	if settings.Revision == source.Settings.Revision && maps.Equal(settings.Env, source.Settings.Env) {
		return source.Injector, nil
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.of != source.Injector.Hash() || len(v.made) >= maxVariants {
		v.of, v.made = source.Injector.Hash(), map[string]*inject.Injector{}
	}
	key := settings.Revision + " " + settings.Env[nativeEnv]
	if made, ok := v.made[key]; ok {
		return made, nil
	}
	made, err := inject.New(source.Sources, settings)
	if err == nil {
		v.made[key] = made
	}
	return made, err
}

// withNative is an environment in which native sidecars are as a question wants.
func withNative(env map[string]string, native string) map[string]string {
	out := maps.Clone(env)
	if out == nil {
		out = map[string]string{}
	}
	delete(out, nativeEnv)
	if native != "auto" {
		out[nativeEnv] = native
	}
	return out
}

var (
	revisionName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)
	versionText  = regexp.MustCompile(`^v?\d{1,3}\.\d{1,4}(\.\d{1,4})?([-+][0-9A-Za-z.+-]{1,40})?$`)
)

func isRevision(name string) bool { return revisionName.MatchString(name) }

func isVersion(text string) bool { return versionText.MatchString(text) }

func oneOf(value string, values ...string) bool { return slices.Contains(values, value) }
