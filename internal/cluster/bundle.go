package cluster

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"sync"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	admissionv1client "k8s.io/client-go/kubernetes/typed/admissionregistration/v1"
	"k8s.io/client-go/tools/cache"
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
// It asks for the configurations by name only, so its rights can be bound to
// those names.
type WebhookBundle struct {
	Configurations admissionv1client.MutatingWebhookConfigurationInterface
	Names          []string
}

// Publish writes bundle into each entry that has another, all entries of a
// configuration at once.
func (w *WebhookBundle) Publish(ctx context.Context, bundle certs.Bundle) error {
	for _, name := range w.Names {
		err := retry.RetryOnConflict(retry.DefaultRetry, func() error { return w.publish(ctx, name, bundle.PEM()) })
		if err != nil {
			return fmt.Errorf("webhook configuration %q: %w", name, err)
		}
	}
	return nil
}

func (w *WebhookBundle) publish(ctx context.Context, name string, bundle []byte) error {
	c, err := w.Configurations.Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	patch := bundlePatch(c, bundle)
	if patch == nil {
		return nil
	}
	_, err = w.Configurations.Patch(ctx, name, types.JSONPatchType, patch, metav1.PatchOptions{FieldManager: fieldManager})
	return err
}

// bundlePatch is the JSON Patch that gives every entry of c the bundle, or nil if
// all have it. The resource version in it makes the API server answer with a
// conflict where c has changed, so that an index cannot hit another entry.
func bundlePatch(c *admissionv1.MutatingWebhookConfiguration, bundle []byte) []byte {
	type operation struct {
		Op    string `json:"op"`
		Path  string `json:"path"`
		Value any    `json:"value"`
	}
	patch := []operation{{"replace", "/metadata/resourceVersion", c.ResourceVersion}}
	for i, entry := range c.Webhooks {
		if !bytes.Equal(entry.ClientConfig.CABundle, bundle) {
			patch = append(patch, operation{"add", fmt.Sprintf("/webhooks/%d/clientConfig/caBundle", i), bundle})
		}
	}
	if len(patch) == 1 {
		return nil
	}
	text, _ := json.Marshal(patch) // strings and bytes always marshal
	return text
}

// Watch reports the authorities that every entry of every configuration trusts:
// none while a configuration is missing or an entry's bundle is.
func (w *WebhookBundle) Watch(ctx context.Context, seen func(certs.Bundle)) {
	var mu sync.Mutex
	trusted := map[string]certs.Bundle{}
	var all sync.WaitGroup
	for _, name := range w.Names {
		note := func(b certs.Bundle) {
			mu.Lock()
			defer mu.Unlock()
			trusted[name] = b
			common := trusted[w.Names[0]]
			for _, other := range w.Names[1:] {
				common = intersect(common, trusted[other])
			}
			seen(common)
		}
		_, controller := cache.NewInformerWithOptions(cache.InformerOptions{
			ListerWatcher: listerWatcher(w.Configurations, name),
			ObjectType:    &admissionv1.MutatingWebhookConfiguration{},
			Handler: cache.ResourceEventHandlerFuncs{
				AddFunc:    func(c any) { note(trustedBy(c.(*admissionv1.MutatingWebhookConfiguration))) },
				UpdateFunc: func(_, c any) { note(trustedBy(c.(*admissionv1.MutatingWebhookConfiguration))) },
				DeleteFunc: func(any) { note(nil) },
			},
		})
		all.Go(func() { controller.RunWithContext(ctx) })
	}
	all.Wait()
}

// trustedBy is what every entry of c trusts. A bundle that cannot be read is
// trusted by nobody: the API server cannot read it either.
func trustedBy(c *admissionv1.MutatingWebhookConfiguration) certs.Bundle {
	var common certs.Bundle
	for i, entry := range c.Webhooks {
		b, _ := certs.ParseBundle(entry.ClientConfig.CABundle)
		if i == 0 {
			common = b
		} else {
			common = intersect(common, b)
		}
	}
	return common
}

func intersect(a, b certs.Bundle) certs.Bundle {
	var both certs.Bundle
	for _, c := range a {
		if b.Contains(c) {
			both = append(both, c)
		}
	}
	return both
}
