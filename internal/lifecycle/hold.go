package lifecycle

import (
	"bytes"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

const webhookKind = "MutatingWebhookConfiguration"

// A hold switches the entries of the named webhook configurations off in what Helm is
// about to apply. It is a post-renderer of Helm's.
type hold struct{ names []string }

// Run changes the objects of one YAML stream.
func (h *hold) Run(rendered *bytes.Buffer) (*bytes.Buffer, error) {
	manifests, err := ReadManifests(Text{"rendered", rendered.Bytes()})
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	for _, m := range manifests {
		if m.Object.GetKind() == webhookKind && slices.Contains(h.names, m.Object.GetName()) {
			if err := switchOff(&m.Object, notReady); err != nil {
				return nil, fmt.Errorf("%s: %w", m.Title(), err)
			}
			text, err := yamlText(m.Object.Object)
			if err != nil {
				return nil, err
			}
			m.Text = string(text)
		}
		out.WriteString("---\n" + m.Text)
	}
	return &out, nil
}

// switchOff adds a condition that is false to every entry of a rendered configuration.
func switchOff(o *unstructured.Unstructured, condition string) error {
	entries, _, err := unstructured.NestedSlice(o.Object, "webhooks")
	if err != nil {
		return err
	}
	for _, e := range entries {
		entry, ok := e.(map[string]any)
		if !ok || entry["name"] == canaryEntry {
			continue
		}
		conditions, _ := entry["matchConditions"].([]any)
		entry["matchConditions"] = append(conditions, map[string]any{"name": condition, "expression": "false"})
	}
	return unstructured.SetNestedSlice(o.Object, entries, "webhooks")
}
