package cluster

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/tools/cache"

	"outrigger.dev/outrigger/certs"
)

// CertificateSecret serves the pair in a Secret that cert-manager writes. It needs
// the right to list and watch that one Secret, and has a new pair at once: a mounted
// Secret has it up to a minute and a half later, and meanwhile the CA bundle may be
// that of another authority.
type CertificateSecret struct {
	certs.Given
	Secrets corev1client.SecretInterface
	// Namespace is the one that Secrets reads.
	Namespace string
	Name      string
}

// again is how often a pair is judged again that has not changed: it may expire.
const again = 10 * time.Second

// Run follows the Secret until ctx ends; then it returns nil.
func (s *CertificateSecret) Run(ctx context.Context) error {
	changed := make(chan struct{}, 1)
	poke := func(any) {
		select {
		case changed <- struct{}{}:
		default: // the newest is about to be read anyway
		}
	}
	store, controller := cache.NewInformerWithOptions(cache.InformerOptions{
		ListerWatcher: listerWatcher(s.Secrets, s.Name),
		ObjectType:    &corev1.Secret{},
		Handler:       cache.ResourceEventHandlerFuncs{AddFunc: poke, UpdateFunc: func(_, o any) { poke(o) }, DeleteFunc: poke},
	})
	var running sync.WaitGroup
	defer running.Wait()
	running.Go(func() { controller.RunWithContext(ctx) })
	running.Go(func() { s.Follow(ctx) })
	for {
		if controller.HasSynced() {
			s.take(store)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		case <-time.After(again):
		}
	}
}

// take offers what the Secret holds.
func (s *CertificateSecret) take(store cache.Store) {
	from := fmt.Sprintf("secret %q", s.Namespace+"/"+s.Name)
	found, exists, err := store.GetByKey(s.Namespace + "/" + s.Name)
	switch {
	case err != nil:
		s.Refuse(fmt.Errorf("%s: %w", from, err))
	case !exists:
		s.Refuse(fmt.Errorf("%s: %w", from, errors.New("does not exist yet")))
	default:
		data := found.(*corev1.Secret).Data
		// It says itself what is wrong.
		_, _ = s.Offer(certs.Pair{From: from, Cert: data[corev1.TLSCertKey], Key: data[corev1.TLSPrivateKeyKey], CA: data["ca.crt"]}, time.Now())
	}
}
