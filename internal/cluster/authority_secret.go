package cluster

import (
	"context"
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"

	"outrigger.dev/outrigger/certs"
)

// fieldManager is the name under which the server writes to Kubernetes.
const fieldManager = "outrigger-injector"

// AuthoritySecret keeps an authority in a Secret, under the keys tls.crt and
// tls.key. It is a [certs.Store].
//
// The chart makes the Secret, empty, and gives the right to get and patch just
// that one: a right to create Secrets cannot be bound to a name. Where there is no
// Secret one is created, for a server that was given the right.
type AuthoritySecret struct {
	Secrets corev1client.SecretInterface
	// Namespace is the one that Secrets reads and writes.
	Namespace string
	Name      string
}

// Load reads the Secret. One that is missing, or has neither key, holds no
// authority; one that holds something else is refused.
func (s *AuthoritySecret) Load(ctx context.Context) (certs.State, error) {
	secret, err := s.Secrets.Get(ctx, s.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return certs.State{}, nil
	}
	if err != nil {
		return certs.State{}, s.fault(err)
	}
	state := certs.State{Version: secret.ResourceVersion}
	cert, key := secret.Data[corev1.TLSCertKey], secret.Data[corev1.TLSPrivateKeyKey]
	if len(cert) == 0 && len(key) == 0 {
		return state, nil
	}
	state.Authority, err = certs.ParseAuthority(cert, key)
	if err != nil {
		return certs.State{}, s.fault(fmt.Errorf("%w; take out both keys, and a new authority is made", err))
	}
	return state, nil
}

// Save writes the two keys and nothing else, if the Secret is still as it was
// loaded.
func (s *AuthoritySecret) Save(ctx context.Context, state certs.State) error {
	cert, key, err := state.Authority.PEM()
	if err != nil {
		return s.fault(err)
	}
	data := map[string][]byte{corev1.TLSCertKey: cert, corev1.TLSPrivateKeyKey: key}
	if state.Version == "" {
		_, err = s.Secrets.Create(ctx, &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Name: s.Name},
			Type:       corev1.SecretTypeTLS,
			Data:       data,
		}, metav1.CreateOptions{FieldManager: fieldManager})
	} else {
		patch, _ := json.Marshal(map[string]any{ // strings and bytes always marshal
			"metadata": map[string]string{"resourceVersion": state.Version},
			"data":     data,
		})
		_, err = s.Secrets.Patch(ctx, s.Name, types.MergePatchType, patch, metav1.PatchOptions{FieldManager: fieldManager})
	}
	if apierrors.IsAlreadyExists(err) || apierrors.IsConflict(err) || apierrors.IsNotFound(err) {
		return s.fault(certs.ErrConflict)
	}
	if err != nil {
		return s.fault(err)
	}
	return nil
}

func (s *AuthoritySecret) fault(err error) error {
	return fmt.Errorf("secret %q: %w", s.Namespace+"/"+s.Name, err)
}
