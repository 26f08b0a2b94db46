package cluster

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	admissionv1client "k8s.io/client-go/kubernetes/typed/admissionregistration/v1"
	"k8s.io/client-go/tools/cache"

	"outrigger.dev/outrigger/certs"
)

// WebhookTrust tells what the API server trusts for each entry of the named mutating
// webhook configurations. It is a [certs.Watcher], and needs the right to list and
// watch those names.
type WebhookTrust struct {
	Configurations admissionv1client.MutatingWebhookConfigurationInterface
	Names          []string
}

// refusedAgain is how often a right that was refused is asked for again.
const refusedAgain = time.Minute

// Watch tells what every entry of every configuration trusts, first when something
// is known of each of them.
func (w *WebhookTrust) Watch(ctx context.Context, seen func(certs.Trust)) {
	var mu sync.Mutex
	known := map[string]certs.Trust{}
	var all sync.WaitGroup
	for _, name := range w.Names {
		note := func(t certs.Trust) {
			mu.Lock()
			defer mu.Unlock()
			known[name] = t
			if len(known) < len(w.Names) {
				return
			}
			var trust certs.Trust
			for _, name := range w.Names {
				trust = append(trust, known[name]...)
			}
			seen(trust)
		}
		all.Go(func() { w.follow(ctx, name, note) })
	}
	all.Wait()
}

// follow watches one configuration. An informer that may not would ask several times
// a minute, and say so in the log each time: it is not begun.
func (w *WebhookTrust) follow(ctx context.Context, name string, note func(certs.Trust)) {
	missing := func(why error) { note(certs.Trust{{Name: configurationName(name), Fault: why}}) }
	for {
		found, err := w.Configurations.List(ctx, metav1.ListOptions{
			FieldSelector: fields.OneTermEqualSelector(metav1.ObjectNameField, name).String(),
		})
		if !apierrors.IsForbidden(err) {
			if err != nil {
				missing(err)
			} else if len(found.Items) == 0 {
				missing(errMissing)
			}
			break
		}
		missing(certs.ErrNotAllowed)
		select {
		case <-ctx.Done():
			return
		case <-time.After(refusedAgain):
		}
	}
	changed := func(c any) { note(trustIn(c.(*admissionv1.MutatingWebhookConfiguration))) }
	_, controller := cache.NewInformerWithOptions(cache.InformerOptions{
		ListerWatcher: listerWatcher(w.Configurations, name),
		ObjectType:    &admissionv1.MutatingWebhookConfiguration{},
		Handler: cache.ResourceEventHandlerFuncs{
			AddFunc:    changed,
			UpdateFunc: func(_, c any) { changed(c) },
			DeleteFunc: func(any) { missing(errMissing) },
		},
	})
	controller.RunWithContext(ctx)
}

var errMissing = errors.New("does not exist")

// trustIn is what each entry of c trusts. A bundle that cannot be read is trusted by
// nobody: the API server cannot read it either.
func trustIn(c *admissionv1.MutatingWebhookConfiguration) certs.Trust {
	var trust certs.Trust
	for _, entry := range c.Webhooks {
		bundle, err := certs.ParseBundle(entry.ClientConfig.CABundle)
		trust = append(trust, certs.Entry{Name: entryName(c.Name, entry.Name), Bundle: bundle, Fault: err})
	}
	return trust
}

func configurationName(name string) string { return fmt.Sprintf("webhook configuration %q", name) }

func entryName(configuration, entry string) string {
	return fmt.Sprintf("%s: entry %q", configurationName(configuration), entry)
}
