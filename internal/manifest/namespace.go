package manifest

import (
	"encoding/json"
	"fmt"

	"outrigger.dev/outrigger/inject"
)

// Namespaces are the Namespaces that a document has: itself, or the items of a
// List, as "kubectl get namespaces -o yaml" prints it. An error names the document.
func (d Document) Namespaces() ([]inject.Namespace, error) {
	if d.Err != nil || d.JSON == nil {
		return nil, d.Err
	}
	found, err := appendNamespaces(nil, d.JSON)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", d.Where(), err)
	}
	return found, nil
}

func appendNamespaces(found []inject.Namespace, document []byte) ([]inject.Namespace, error) {
	var ns struct {
		Kind     string
		Metadata struct {
			Name                string
			Labels, Annotations map[string]string
		}
		Items []json.RawMessage
	}
	var kind struct{ Kind string }
	if err := json.Unmarshal(document, &kind); err != nil || kind.Kind != "Namespace" && kind.Kind != "List" {
		return found, nil // whatever it is, it is no Namespace
	}
	if err := json.Unmarshal(document, &ns); err != nil {
		return nil, err
	}
	if ns.Kind == "Namespace" {
		return append(found, inject.Namespace{Name: ns.Metadata.Name, Labels: ns.Metadata.Labels, Annotations: ns.Metadata.Annotations}), nil
	}
	var err error
	for _, item := range ns.Items {
		if found, err = appendNamespaces(found, item); err != nil {
			return nil, err
		}
	}
	return found, nil
}
