package main

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// namespace is where the workloads are, and its label is what a cluster's would
// be.
const namespace = "shop"

// probe is the name of pods that only find out whether the API server asks yet.
const probe = "probe"

// A hook is a webhook that lets every pod through and keeps what it was asked.
type hook struct {
	server *httptest.Server
	asked  chan []byte
}

func newHook() *hook {
	h := &hook{asked: make(chan []byte, 100)}
	h.server = httptest.NewTLSServer(h)
	return h
}

// ServeHTTP keeps a question and says yes.
func (h *hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the API server is told by the connection's end
	}
	var review admissionv1.AdmissionReview
	if err := json.Unmarshal(body, &review); err != nil || review.Request == nil {
		http.Error(w, "not a review", http.StatusBadRequest)
		return
	}
	h.asked <- body
	review.Response = &admissionv1.AdmissionResponse{UID: review.Request.UID, Allowed: true}
	review.Request = nil
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(review) // whoever does not listen has gone
}

// next is what is asked next.
func (h *hook) next(ctx context.Context) ([]byte, error) {
	select {
	case body := <-h.asked:
		return body, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("nothing was asked: %w", ctx.Err())
	}
}

// register makes the namespace, has the API server ask about its pods, and
// returns when it does.
func (h *hook) register(ctx context.Context, client kubernetes.Interface) error {
	_, err := client.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{
		ObjectMeta: metav1.ObjectMeta{Name: namespace, Labels: map[string]string{"istio-injection": "enabled"}},
	}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	_, err = client.AdmissionregistrationV1().MutatingWebhookConfigurations().Create(ctx, h.configuration(), metav1.CreateOptions{})
	if err != nil {
		return err
	}
	// The API server takes a moment to learn of a webhook, and the controllers one
	// to make the ServiceAccount that the pods run as.
	for {
		_, err = client.CoreV1().Pods(namespace).Create(ctx, &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Name: probe},
			Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: probe, Image: probe}}},
		}, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		select {
		case <-h.asked:
			return err
		case <-ctx.Done():
			return fmt.Errorf("the API server does not ask: %w (%w)", ctx.Err(), err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (h *hook) configuration() *admissionregistrationv1.MutatingWebhookConfiguration {
	url := h.server.URL + "/inject"
	none := admissionregistrationv1.SideEffectClassNone
	return &admissionregistrationv1.MutatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: "record"},
		Webhooks: []admissionregistrationv1.MutatingWebhook{{
			Name: "record.outrigger.dev",
			ClientConfig: admissionregistrationv1.WebhookClientConfig{
				URL:      &url,
				CABundle: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: h.server.Certificate().Raw}),
			},
			SideEffects: &none, AdmissionReviewVersions: []string{"v1"},
			NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: namespace}},
			Rules: []admissionregistrationv1.RuleWithOperations{{
				Operations: []admissionregistrationv1.OperationType{admissionregistrationv1.Create},
				Rule: admissionregistrationv1.Rule{
					APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: []string{"pods"},
				},
			}},
		}},
	}
}
