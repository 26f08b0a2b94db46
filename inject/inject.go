// Package inject decides whether a pod gets sidecars, and makes the JSON Patch
// that adds them.
package inject

import (
	"errors"

	"gomodules.xyz/jsonpatch/v2"
)

// Operation is one step of a JSON Patch (RFC 6902).
type Operation = jsonpatch.Operation

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
	// which it goes before: ENABLE_NATIVE_SIDECARS, COMPLIANCE_POLICY, PLATFORM,
	// PILOT_ENABLE_INBOUND_PASSTHROUGH. Other names are ignored. The process's
	// own environment is never read.
	Env map[string]string
}

// An Injector is an immutable snapshot of a configuration, safe for concurrent
// use. A new configuration is a new Injector.
type Injector struct {
}

// New parses a configuration whole and proves it: its default, aliased and
// built-in templates have rendered a corpus of pods when New returns without
// error. A template outside those that does not render is quarantined.
func New(src Sources, settings Settings) (*Injector, error) {
	return nil, errors.New("being built")
}

// Hash identifies the configuration and settings: 12 hexadecimal digits.
func (in *Injector) Hash() string { return "" }

// Quarantined returns, by name, the templates that are kept out and why.
func (in *Injector) Quarantined() map[string]error { return nil }

// FaultPolicy is "ignore", "deny", or "" where the webhook's failurePolicy decides
// about a fault.
func (in *Injector) FaultPolicy() string { return "" }

// A Namespace is what is known of the namespace that a pod is created in.
type Namespace struct {
	Name        string
	Labels      map[string]string
	Annotations map[string]string
	// Unknown says that labels and annotations could not be had: then the call
	// itself is taken as proof that the namespace is enabled.
	Unknown bool
}

// A Request is a pod and the facts about it that are not in it.
type Request struct {
	// Pod is the pod's JSON as the API server sent it. It is not changed.
	Pod []byte
	// Namespace is where the pod will be; its name fills a pod's empty one.
	Namespace Namespace
	// Path is what the request's URL path says; see [ParsePath].
	Path Path
	// Native is what "auto" means for this pod.
	Native Native
	// Owner is the workload that the pod belongs to where the caller knows it
	// (offline). Nil: found from the pod's metadata.
	Owner *Owner
}

// Native says whether the nodes that a pod may land on run native sidecars.
type Native struct {
	Supported bool
	// Why is for the trace: "every node is 1.33 or newer".
	Why string
}

// A Path is what the URL path of a call carries for the pods behind it.
type Path struct {
	Cluster string
	Network string
	// Env are further variables for the proxy, names in upper case.
	Env map[string]string
}

// ParsePath reads "/inject/cluster/c1/net/n1/key/value"; "--slash--" in a value
// means "/". What cannot be used is left out and named in warnings.
func ParsePath(path string) (p Path, warnings []string) { return Path{}, nil }

// An Owner is the workload that a pod belongs to.
type Owner struct {
	APIVersion string
	Kind       string
	Name       string
	Namespace  string
}

// A Result is what became of a pod.
type Result struct {
	Decision Decision
	// Patch turns the request's pod into the injected one: it has been applied
	// once to just those bytes. Empty, never nil, where nothing changes.
	Patch []Operation
	// Warnings are sentences for the person who created the pod, under 120
	// characters each.
	Warnings []string
	// Pod is the injected pod as JSON, keys sorted; the request's bytes where the patch is empty.
	Pod []byte
}

// Inject decides about a pod and makes the patch. An error is a fault of ours:
// neither the pod nor its author caused it. A pod that cannot be injected for a
// reason of its own gets a decision with the verdict Deny.
func (in *Injector) Inject(req Request) (Result, error) {
	return Result{}, errors.New("being built")
}
