package inject

// Labels and annotations that decide whether a pod is injected. Istio's keys
// keep Istio's names, so that manifests written for Istio work unchanged.
const (
	// InjectKey is a label, and for old manifests an annotation, of a pod.
	InjectKey = "sidecar.istio.io/inject"
	// NamespaceLabel on a namespace is "enabled" or anything else, which means no.
	NamespaceLabel = "istio-injection"
	// RevisionLabel on a namespace or a pod names the revision that injects it;
	// as an annotation on an injected pod it names the revision that did.
	RevisionLabel = "istio.io/rev"
	// TemplatesAnnotation lists the templates that a pod wants, by comma.
	TemplatesAnnotation = "inject.istio.io/templates"
	// AllowMissingAnnotation lets a pod be created without the sidecar that it should
	// have, where a policy would refuse it. It has no say in whether it is injected.
	AllowMissingAnnotation = "outrigger.dev/allow-missing-sidecar"
)

// Annotations that an injected pod carries.
const (
	// StatusAnnotation lists what was added, in the form that Istio's tools read.
	StatusAnnotation = "sidecar.istio.io/status"
	// OverridesAnnotation keeps the containers of the user's own that a template
	// was laid under, as they were before.
	OverridesAnnotation = "proxy.istio.io/overrides"
	// RecordAnnotation is what is needed to take the injection back exactly.
	RecordAnnotation = "outrigger.dev/injection"
)

// Prefix starts every key of Outrigger's own.
const Prefix = "outrigger.dev/"

// ProxyContainer is the name of the container that carries the mesh's proxy.
const ProxyContainer = "istio-proxy"
