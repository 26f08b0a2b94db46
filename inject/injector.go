package inject

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	meshconfig "istio.io/api/mesh/v1alpha1"
	"outrigger.dev/outrigger/templates"
)

// Sources are the three texts of a configuration, each as a ConfigMap's key
// holds it (YAML or JSON).
type Sources struct {
	// Config is policy, templates, aliases and selectors: a superset of key
	// "config" of Istio's ConfigMap istio-sidecar-injector.
	Config []byte
	// Values is key "values" of the same ConfigMap.
	Values []byte
	// Mesh is key "mesh" of Istio's ConfigMap istio. It is laid over Istio's
	// code defaults; empty means those.
	Mesh []byte
}

// Settings are what an injector is started with, apart from its configuration.
type Settings struct {
	// Revision is stamped on injected pods; "" means "default".
	Revision string
	// Env is what templates' "env" function may see, apart from values.pilot.env,
	// which it goes before: the names in [EnvNames]; others are ignored. The
	// process's own environment is never read.
	Env map[string]string
}

// EnvNames are the variables that templates may ask for and that Go code obeys.
var EnvNames = []string{
	"ENABLE_NATIVE_SIDECARS",
	"PILOT_ENABLE_INBOUND_PASSTHROUGH",
	"COMPLIANCE_POLICY",
	"PLATFORM",
}

// An Injector is an immutable snapshot of a configuration, safe for concurrent
// use. A new configuration is a new Injector.
type Injector struct {
	config   *Config
	values   *Values
	mesh     *meshconfig.MeshConfig
	set      *templates.Set
	env      map[string]string
	revision string
	hash     string
	// places are where templates of the set write to in pods.
	places      map[string]bool
	quarantined map[string]error
}

// New parses a configuration whole and proves it: its default, aliased and
// built-in templates have rendered a corpus of pods when New returns without
// error. A template outside those that does not render is quarantined.
func New(src Sources, settings Settings) (*Injector, error) {
	config, err := ParseConfig(src.Config)
	if err != nil {
		return nil, err
	}
	values, err := ParseValues(src.Values)
	if err != nil {
		return nil, err
	}
	mesh, err := ParseMesh(src.Mesh)
	if err != nil {
		return nil, err
	}
	in := &Injector{
		config:      config,
		values:      values,
		mesh:        mesh,
		env:         environment(values.env, settings.Env),
		revision:    settings.Revision,
		hash:        hashOf(src, settings),
		places:      config.retiredPlaces(),
		quarantined: map[string]error{},
	}
	if in.revision == "" {
		in.revision = "default"
	}
	texts := templates.Builtin()
	maps.Copy(texts, config.Templates)
	if in.set, err = templates.Parse(texts, templates.Options{Env: in.env, Fixed: in.fixed(), Common: in.common()}); err != nil {
		return nil, err
	}
	return in, in.prove()
}

// Hash identifies the configuration and settings: 12 hexadecimal digits.
func (in *Injector) Hash() string { return in.hash }

// Revision is what is stamped on injected pods.
func (in *Injector) Revision() string { return in.revision }

// Quarantined returns, by name, the templates that are kept out and why.
func (in *Injector) Quarantined() map[string]error { return maps.Clone(in.quarantined) }

// FaultPolicy is "ignore", "deny", or "" where the webhook's failurePolicy decides
// about a fault.
func (in *Injector) FaultPolicy() string { return in.config.FaultPolicy }

// environment is what templates and Go code read as environment: what was set
// when the process was started before what the values say.
func environment(values, set map[string]string) map[string]string {
	out := map[string]string{}
	for _, name := range EnvNames {
		if value, ok := values[name]; ok {
			out[name] = value
		}
		if value, ok := set[name]; ok {
			out[name] = value
		}
	}
	return out
}

// hashOf tells configurations apart; not a matter of security.
func hashOf(src Sources, settings Settings) string {
	h := sha256.New()
	for _, part := range [][]byte{src.Config, src.Values, src.Mesh, []byte(settings.Revision)} {
		fmt.Fprintf(h, "%d:", len(part))
		h.Write(part)
	}
	if err := json.NewEncoder(h).Encode(settings.Env); err != nil {
		panic(err) // a map of strings encodes
	}
	return hex.EncodeToString(h.Sum(nil))[:12]
}

// prove renders every template over the corpus, both with native sidecars and
// without. It learns where templates write to in pods, refuses the
// configuration where essential ones do not render, and keeps out others.
func (in *Injector) prove() error {
	essential := in.config.essential(templates.Builtin())
	for _, name := range essential {
		if !slices.Contains(in.set.Names(), name) {
			return fmt.Errorf("config: template %q is named and not there, wanted one of %v", name, in.set.Names())
		}
	}
	var errs []error
	for _, name := range in.set.Names() {
		places, err := in.try(name)
		switch {
		case err == nil:
			maps.Copy(in.places, places)
		case slices.Contains(essential, name):
			errs = append(errs, err)
		default:
			in.quarantined[name] = err
		}
	}
	return errors.Join(errs...)
}

// try renders one template over the corpus.
func (in *Injector) try(name string) (map[string]bool, error) {
	places := map[string]bool{}
	for i, raw := range templates.Corpus() {
		for _, native := range []bool{true, false} {
			if err := in.tryPod(places, name, raw, native); err != nil {
				return nil, fmt.Errorf("pod %d of the corpus: %w", i, err)
			}
		}
	}
	return places, nil
}

func (in *Injector) tryPod(places map[string]bool, name string, raw []byte, native bool) error {
	base, err := decodeObject(raw)
	if err != nil {
		return err
	}
	req := Request{Pod: raw, Namespace: Namespace{Name: "default"}}
	pod, err := in.typed(req, base)
	if err != nil {
		return err
	}
	r := in.rendering(req, pod, base)
	r.native = native
	r.readAnnotations()
	if err := r.checkAnnotations(nil); err != nil {
		return err
	}
	if err := r.render([]string{name}); err != nil {
		return err
	}
	if err := r.reapply(); err != nil {
		return err
	}
	r.followUser()
	if err := r.finish(Path{}); err != nil {
		return err
	}
	annotate(r.merged, RecordAnnotation, "")
	emitted(places, undoOf(r.base, r.merged), "")
	return nil
}
