package cluster

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/retry"

	"outrigger.dev/outrigger/certs"
)

// WebhookBundle publishes a CA bundle to the API server, in every entry of the
// named mutating webhook configurations. It is a [certs.Publisher].
//
// It writes caBundle and no other field, as an update with a field manager of its
// own. An applied caBundle would outlive the entry that it belongs to when a chart
// drops that entry, and leave half an entry that the API server refuses.
//
// Where another field manager owns an entry's caBundle that entry is left alone: two
// who write the same field for ever are worse than one who says what is wrong.
//
// It asks for the configurations by name only, so its rights can be bound to
// those names.
type WebhookBundle struct {
	WebhookTrust
}

// Publish writes the bundle into each entry that has another, all entries of a
// configuration at once.
func (w *WebhookBundle) Publish(ctx context.Context, decide func(certs.Trust) (certs.Bundle, error)) error {
	return retry.RetryOnConflict(retry.DefaultRetry, func() error {
		found, trust, faults := w.read(ctx)
		bundle, err := decide(trust)
		if err != nil {
			return errors.Join(append(faults, err)...)
		}
		for _, c := range found {
			if err := w.write(ctx, c, bundle.PEM()); err != nil {
				faults = append(faults, err)
			}
		}
		return errors.Join(faults...)
	})
}

// read gets the configurations, and what their entries trust. One that cannot be
// had is a fault.
func (w *WebhookBundle) read(ctx context.Context) (found []*admissionv1.MutatingWebhookConfiguration, trust certs.Trust, faults []error) {
	for _, name := range w.Names {
		c, err := w.Configurations.Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			trust = append(trust, certs.Entry{Name: configurationName(name), Fault: err})
			faults = append(faults, fmt.Errorf("%s: %w", configurationName(name), err))
			continue
		}
		found = append(found, c)
		trust = append(trust, trustIn(c)...)
	}
	return found, trust, faults
}

// write gives the entries of c that are ours the bundle, if c is still as it was
// read. It says which are not.
func (w *WebhookBundle) write(ctx context.Context, c *admissionv1.MutatingWebhookConfiguration, bundle []byte) error {
	patch, foreign := bundlePatch(c, bundle)
	if patch != nil {
		_, err := w.Configurations.Patch(ctx, c.Name, types.JSONPatchType, patch, metav1.PatchOptions{FieldManager: fieldManager})
		if err != nil {
			return fmt.Errorf("%s: %w", configurationName(c.Name), err)
		}
	}
	return foreign
}

// bundlePatch is the JSON Patch that gives the entries of c the bundle, or nil if
// all of ours have it. The resource version in it makes the API server answer with a
// conflict where c has changed, so that an index cannot hit another entry. foreign
// tells of entries that would need the bundle and belong to somebody else.
func bundlePatch(c *admissionv1.MutatingWebhookConfiguration, bundle []byte) (patch []byte, foreign error) {
	type operation struct {
		Op    string `json:"op"`
		Path  string `json:"path"`
		Value any    `json:"value"`
	}
	operations := []operation{{"replace", "/metadata/resourceVersion", c.ResourceVersion}}
	var faults []error
	for i, entry := range c.Webhooks {
		if bytes.Equal(entry.ClientConfig.CABundle, bundle) {
			continue
		}
		if owner := bundleOwner(c, entry.Name); owner != "" {
			faults = append(faults, fmt.Errorf("%s: caBundle %w, the field manager %q: take it out there, and it is written again",
				entryName(c.Name, entry.Name), certs.ErrNotOurs, owner))
			continue
		}
		operations = append(operations, operation{"add", fmt.Sprintf("/webhooks/%d/clientConfig/caBundle", i), bundle})
	}
	if len(operations) > 1 {
		patch, _ = json.Marshal(operations) // strings and bytes always marshal
	}
	return patch, errors.Join(faults...)
}

// bundleOwner is a field manager other than us that owns the caBundle of an entry,
// "" where there is none.
func bundleOwner(c *admissionv1.MutatingWebhookConfiguration, entry string) string {
	key, _ := json.Marshal(map[string]string{"name": entry}) // strings always marshal
	for _, m := range c.ManagedFields {
		if m.Manager == fieldManager || m.FieldsV1 == nil {
			continue
		}
		var fields any
		_ = json.Unmarshal(m.FieldsV1.GetRawBytes(), &fields) // what cannot be read owns nothing
		for _, step := range []string{"f:webhooks", "k:" + string(key), "f:clientConfig", "f:caBundle"} {
			within, _ := fields.(map[string]any)
			fields = within[step]
		}
		if fields != nil {
			return m.Manager
		}
	}
	return ""
}
