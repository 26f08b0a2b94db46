package cluster

import (
	"context"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Surroundings are what of a cluster, beside Outrigger, has a say in what becomes of
// a pod. Each call asks the API server: it is for people who want to know, not for
// admissions.
type Surroundings struct{ Client Client }

// maxListed is how many objects of a kind are asked for: no namespace has more
// LimitRanges or quotas, and no cluster more webhook configurations.
const maxListed = 500

// Webhooks needs the right to list mutatingwebhookconfigurations.
func (s Surroundings) Webhooks(ctx context.Context) ([]admissionv1.MutatingWebhookConfiguration, error) {
	list, err := s.Client.AdmissionregistrationV1().MutatingWebhookConfigurations().List(ctx, metav1.ListOptions{Limit: maxListed})
	if err != nil {
		return nil, err
	}
	return list.Items, nil
}

// LimitRanges needs the right to list limitranges.
func (s Surroundings) LimitRanges(ctx context.Context, namespace string) ([]corev1.LimitRange, error) {
	list, err := s.Client.CoreV1().LimitRanges(namespace).List(ctx, metav1.ListOptions{Limit: maxListed})
	if err != nil {
		return nil, err
	}
	return list.Items, nil
}

// Quotas needs the right to list resourcequotas.
func (s Surroundings) Quotas(ctx context.Context, namespace string) ([]corev1.ResourceQuota, error) {
	list, err := s.Client.CoreV1().ResourceQuotas(namespace).List(ctx, metav1.ListOptions{Limit: maxListed})
	if err != nil {
		return nil, err
	}
	return list.Items, nil
}
