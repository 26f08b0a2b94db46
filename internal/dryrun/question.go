package dryrun

// QuestionKind is the kind of a [Question] in a request's body.
const QuestionKind = "Question"

// A Question asks what would become of the pods of a manifest. It is a body of
// POST /dryrun of its own, in YAML or JSON. A body of any other kind is the
// manifest itself, and the other fields are parameters of the URL then, of the
// same names; labels and annotations are repeated there: label=KEY=VALUE,
// annotation=KEY=VALUE.
type Question struct {
	// APIVersion is "dryrun.outrigger.dev/v1" and Kind "Question".
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	// Manifest is text: YAML or JSON, several documents, Lists, or an
	// AdmissionReview. Namespaces among the documents count as given.
	Manifest string `json:"manifest"`
	// Namespace is where manifests that name none are put. With labels or
	// annotations it is not looked up ("what if it were labelled so?").
	Namespace AskedNamespace `json:"namespace,omitzero"`
	// Revision is another revision than the server's.
	Revision string `json:"revision,omitempty"`
	// NativeSidecars is "true", "false" or "auto"; "" for what the server does.
	NativeSidecars string `json:"nativeSidecars,omitempty"`
	// KubernetesVersion, like "1.33", stands for every node: it says what native
	// sidecars "auto" means.
	KubernetesVersion string `json:"kubernetesVersion,omitempty"`
	// Path is the webhook's, like "/inject/cluster/c1/net/n1".
	Path string `json:"path,omitempty"`
}

// An AskedNamespace is a namespace as a question describes it.
type AskedNamespace struct {
	Name string `json:"name,omitempty"`
	// Labels and Annotations, where one of them is not nil, are all that the
	// namespace has.
	Labels      map[string]string `json:"labels,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}
