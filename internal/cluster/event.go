package cluster

import (
	"context"
	"fmt"
	"hash/fnv"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
)

// maxMessage is how much of an event's message is sure to be shown, in characters.
const maxMessage = 1000

// leaveEvent leaves a warning on an object. Its name comes from the object and from
// mark, so that all replicas together leave one.
func leaveEvent(ctx context.Context, client corev1client.EventsGetter, about corev1.ObjectReference, mark, reason, message string) error {
	sum := fnv.New64a()
	_, _ = sum.Write([]byte(string(about.UID) + mark))
	now := metav1.Now()
	_, err := client.Events(about.Namespace).Create(ctx, &corev1.Event{
		ObjectMeta:     metav1.ObjectMeta{Namespace: about.Namespace, Name: fmt.Sprintf("%s.%x", about.Name, sum.Sum64())},
		InvolvedObject: about,
		Type:           corev1.EventTypeWarning,
		Reason:         reason,
		Message:        fmt.Sprintf("%.*s", maxMessage, message),
		Source:         corev1.EventSource{Component: fieldManager},
		FirstTimestamp: now,
		LastTimestamp:  now,
		Count:          1,
	}, metav1.CreateOptions{FieldManager: fieldManager})
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}

// NotOurs leaves an event on the Secret of an authority that its CA bundle cannot be
// published: that is an object of our namespace, and a webhook configuration is of none.
func (s *AuthoritySecret) NotOurs(ctx context.Context, events corev1client.EventsGetter, why error) error {
	return leaveEvent(ctx, events, corev1.ObjectReference{
		APIVersion: "v1", Kind: "Secret", Namespace: s.Namespace, Name: s.Name,
	}, why.Error(), "CABundleNotOurs", why.Error())
}
