package cluster

import (
	"context"
	"fmt"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	admissionv1client "k8s.io/client-go/kubernetes/typed/admissionregistration/v1"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
)

// LeaveMissing leaves an event on what controls pods, or on a pod of nobody's, that
// sidecars are missing there. While that event is stored there is no other. It needs the
// right to create events everywhere.
func LeaveMissing(ctx context.Context, events corev1client.EventsGetter, about corev1.ObjectReference, message string) error {
	return leaveEvent(ctx, events, about, "SidecarMissing", "SidecarMissing", message)
}

// WebhookConfigurations reads the mutating webhook configurations of these names; one
// that does not exist is left out. The right to list those names is enough.
func WebhookConfigurations(
	ctx context.Context, client admissionv1client.MutatingWebhookConfigurationInterface, names []string,
) ([]admissionv1.MutatingWebhookConfiguration, error) {
	var all []admissionv1.MutatingWebhookConfiguration
	for _, name := range names {
		found, err := client.List(ctx, metav1.ListOptions{FieldSelector: fields.OneTermEqualSelector(metav1.ObjectNameField, name).String()})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", configurationName(name), err)
		}
		all = append(all, found.Items...)
	}
	return all, nil
}
