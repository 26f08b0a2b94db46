package inject

import (
	"gomodules.xyz/jsonpatch/v2"
	corev1 "k8s.io/api/core/v1"
)

// Operation is one step of a JSON Patch (RFC 6902).
type Operation = jsonpatch.Operation

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
	// Native says what "auto" means for a pod of this spec. It is asked only where
	// nothing else decides, must not keep or change the spec, and gives the same
	// for the same spec. Nil: native sidecars are not supported.
	Native func(spec *corev1.PodSpec) Native
	// ProxyConfigs gives the ProxyConfig resources of a namespace, oldest first.
	// They are not changed. Nil: there are none.
	ProxyConfigs func(namespace string) []ProxyConfig
	// Owner is the workload that the pod belongs to where the caller knows it
	// (offline). Nil: found from the pod's metadata.
	Owner *Owner

	// Glance, unless nil, is what has been read of Pod with [Glance.Fields].
	Glance *Glance

	// Passed, unless nil, is called when the pod has been through a phase. It has no
	// say in what comes of it.
	Passed func(Phase)

	// lean is what Pod lacks.
	lean leanPod
	// trace notes who sets what; nil but for [Injector.Explain].
	trace *tracing
}

// A Phase is a part of the way of a pod. Some are passed more than once, as where
// there are several templates, and a pod that is skipped goes through the first
// two, or the second alone.
type Phase string

// The phases.
const (
	Decoded  Phase = "decode" // the pod's text has been read
	Decided  Phase = "decide" // it is known whether it is injected
	Rendered Phase = "render" // a template has been executed
	Merged   Phase = "merge"  // what it gave has been laid over the pod
	Finished Phase = "finish" // what no template can do has been done
	Patched  Phase = "patch"  // the difference has been written down and proven
)

// Native says whether the nodes that a pod may land on run native sidecars.
type Native struct {
	Supported bool
	// Why is for the trace: "every node is 1.33 or newer".
	Why string
}

// Everywhere is what "auto" means where it is the same for every pod.
func (n Native) Everywhere(*corev1.PodSpec) Native { return n }

// A Path is what the URL path of a call carries for the pods behind it.
type Path struct {
	Cluster string
	Network string
	// Env are further variables for the proxy, names in upper case.
	Env map[string]string
}

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

	raw []byte
}

// Pod is the injected pod as JSON, keys sorted; the request's bytes where the
// patch is empty.
func (r Result) Pod() []byte {
	if len(r.Patch) == 0 {
		return r.raw
	}
	tree, err := decodeObject(r.raw)
	if err == nil {
		tree, err = applied(tree, r.Patch)
	}
	if err != nil {
		panic(err) // the patch has been applied to these bytes before
	}
	pod, err := encode(tree)
	if err != nil {
		panic(err) // a tree of JSON's values encodes
	}
	return pod
}
