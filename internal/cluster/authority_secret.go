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

// RotateAnnotation on the Secret of an authority, with any value, asks for another
// authority. The server takes it away when it has begun.
const RotateAnnotation = "outrigger.dev/rotate"

// AuthoritySecret keeps an authority in a Secret, under the keys tls.crt and
// tls.key, and beside it what a change of the authority has come to. It is a
// [certs.Store].
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

// Load reads the Secret. One that is missing, or has no keys, holds no authority; one that holds something else is refused.
func (s *AuthoritySecret) Load(ctx context.Context) (certs.State, error) {
	secret, err := s.Secrets.Get(ctx, s.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return certs.State{}, nil
	}
	if err != nil {
		return certs.State{}, s.fault(err)
	}
	state, err := certs.ParseState(secret.Data)
	if err != nil {
		return certs.State{}, s.fault(err)
	}
	state.Version, state.Rotate = secret.ResourceVersion, secret.Annotations[RotateAnnotation] != ""
	return state, nil
}

// Save writes what the state holds and nothing else, if the Secret is still as it
// was loaded.
func (s *AuthoritySecret) Save(ctx context.Context, state certs.State) error {
	data, err := state.Text()
	if err != nil {
		return s.fault(err)
	}
	if state.Version == "" {
		_, err = s.Secrets.Create(ctx, &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Name: s.Name},
			Type:       corev1.SecretTypeTLS,
			Data:       data,
		}, metav1.CreateOptions{FieldManager: fieldManager})
	} else {
		_, err = s.Secrets.Patch(ctx, s.Name, types.MergePatchType, statePatch(state, data), metav1.PatchOptions{FieldManager: fieldManager})
	}
	if apierrors.IsAlreadyExists(err) || apierrors.IsConflict(err) || apierrors.IsNotFound(err) {
		return s.fault(certs.ErrConflict)
	}
	if err != nil {
		return s.fault(err)
	}
	return nil
}

// statePatch is the merge patch that makes a Secret hold a state: a key without a
// text is taken out.
func statePatch(state certs.State, data map[string][]byte) []byte {
	keys := map[string]any{}
	for key, text := range data {
		keys[key] = nil
		if len(text) > 0 {
			keys[key] = text
		}
	}
	metadata := map[string]any{"resourceVersion": state.Version}
	if !state.Rotate {
		metadata["annotations"] = map[string]any{RotateAnnotation: nil}
	}
	patch, _ := json.Marshal(map[string]any{"metadata": metadata, "data": keys}) // strings and bytes always marshal
	return patch
}

func (s *AuthoritySecret) fault(err error) error {
	return fmt.Errorf("secret %q: %w", s.Namespace+"/"+s.Name, err)
}
