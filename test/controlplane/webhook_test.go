package controlplane_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"outrigger.dev/outrigger/test/controlplane"
)

// TestWebhooks shows that the API server reaches a webhook on this machine in both ways,
// and that the audit log has what it said and what it changed.
func TestWebhooks(t *testing.T) {
	t.Parallel()
	t.Run("by URL", func(t *testing.T) {
		t.Parallel()
		namespace := newNamespace(t)
		server, ca := serveHook(t, "127.0.0.1", "localhost")
		url := "https://" + server
		tryHook(t, namespace, admissionregistrationv1.WebhookClientConfig{URL: &url, CABundle: ca})
	})
	t.Run("by Service", func(t *testing.T) {
		t.Parallel()
		address := machineAddress(t)
		namespace := newNamespace(t)
		server, ca := serveHook(t, address, "hook."+namespace+".svc")
		makeService(t, namespace, server)
		tryHook(t, namespace, admissionregistrationv1.WebhookClientConfig{
			Service:  &admissionregistrationv1.ServiceReference{Namespace: namespace, Name: "hook"},
			CABundle: ca,
		})
	})
}

// tryHook registers a webhook for the pods of a namespace, creates one, and looks for the
// webhook's doing in the stored pod and in the audit log.
func tryHook(t *testing.T, namespace string, client admissionregistrationv1.WebhookClientConfig) {
	t.Helper()
	none := admissionregistrationv1.SideEffectClassNone
	hook := namespace + ".example.com"
	_, err := cluster.Client().AdmissionregistrationV1().MutatingWebhookConfigurations().Create(t.Context(),
		&admissionregistrationv1.MutatingWebhookConfiguration{
			ObjectMeta: metav1.ObjectMeta{Name: namespace},
			Webhooks: []admissionregistrationv1.MutatingWebhook{{
				Name: hook, ClientConfig: client, SideEffects: &none, AdmissionReviewVersions: []string{"v1"},
				NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: namespace}},
				Rules: []admissionregistrationv1.RuleWithOperations{{
					Operations: []admissionregistrationv1.OperationType{admissionregistrationv1.Create},
					Rule: admissionregistrationv1.Rule{
						APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: []string{"pods"},
					},
				}},
			}},
		}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	// The API server takes a moment to learn of a webhook, and of a Service.
	var name string
	eventually(t, func() error {
		pod, err := cluster.Client().CoreV1().Pods(namespace).Create(t.Context(), &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{GenerateName: "pod-"},
			Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: "nginx"}}},
		}, metav1.CreateOptions{})
		if err == nil && pod.Labels["hooked"] != "yes" {
			err = fmt.Errorf("pod %q: not changed by the webhook", pod.Name)
		}
		name = pod.GetName()
		return err
	})
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	event, err := cluster.WaitForAudit(ctx, func(e controlplane.AuditEvent) bool {
		return e.ObjectRef.Namespace == namespace && strings.Contains(string(e.ResponseObject), name)
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := event.Annotations[hook+"/reason"]; got != "a test" {
		t.Errorf("audit annotation of the webhook: %q, want %q", got, "a test")
	}
	if got := mutation(event, hook); !strings.Contains(got, `"mutated":true`) {
		t.Errorf("audit annotation on the mutation: %q, want it to say so", got)
	}
}

// mutation finds what the API server noted about a webhook. The index in the annotation's
// key counts all webhooks that there are, those of other tests included.
func mutation(event controlplane.AuditEvent, hook string) string {
	for key, value := range event.Annotations {
		if strings.HasPrefix(key, "mutation.webhook.admission.k8s.io/round_0_index_") && strings.Contains(value, hook) {
			return value
		}
	}
	return ""
}

// serveHook serves a webhook that puts a label on every pod. It returns where, and the
// certificate to trust.
func serveHook(t *testing.T, address, name string) (server string, ca []byte) {
	t.Helper()
	certificate, ca := selfSigned(t, name, net.ParseIP(address))
	listener, err := net.Listen("tcp", net.JoinHostPort(address, "0"))
	if err != nil {
		t.Fatal(err)
	}
	hook := httptest.NewUnstartedServer(http.HandlerFunc(label))
	hook.Listener.Close()
	hook.Listener = listener
	hook.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
	hook.StartTLS()
	t.Cleanup(hook.Close)
	return listener.Addr().String(), ca
}

// label answers a review.
func label(w http.ResponseWriter, r *http.Request) {
	var review admissionv1.AdmissionReview
	if err := json.NewDecoder(r.Body).Decode(&review); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	json := admissionv1.PatchTypeJSONPatch
	review.Response = &admissionv1.AdmissionResponse{
		UID: review.Request.UID, Allowed: true, PatchType: &json,
		Patch:            []byte(`[{"op":"add","path":"/metadata/labels","value":{"hooked":"yes"}}]`),
		AuditAnnotations: map[string]string{"reason": "a test"},
	}
	writeReview(w, review)
}

// makeService makes the Service hook and says that server is behind it.
func makeService(t *testing.T, namespace, server string) {
	t.Helper()
	address, err := net.ResolveTCPAddr("tcp", server)
	if err != nil {
		t.Fatal(err)
	}
	name, port := "https", int32(address.Port)
	_, err = cluster.Client().CoreV1().Services(namespace).Create(t.Context(), &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "hook"},
		Spec:       corev1.ServiceSpec{Ports: []corev1.ServicePort{{Name: name, Port: 443}}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = cluster.Client().DiscoveryV1().EndpointSlices(namespace).Create(t.Context(), &discoveryv1.EndpointSlice{
		ObjectMeta:  metav1.ObjectMeta{Name: "hook", Labels: map[string]string{discoveryv1.LabelServiceName: "hook"}},
		AddressType: discoveryv1.AddressTypeIPv4,
		Endpoints:   []discoveryv1.Endpoint{{Addresses: []string{address.IP.String()}}},
		Ports:       []discoveryv1.EndpointPort{{Name: &name, Port: &port}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	// An older API server looks into what came before EndpointSlices.
	apply(t, fmt.Sprintf(`{"apiVersion":"v1","kind":"Endpoints",
		"metadata":{"name":"hook","namespace":%q,"labels":{%q:"true"}},
		"subsets":[{"addresses":[{"ip":%q}],"ports":[{"name":%q,"port":%d}]}]}`,
		namespace, discoveryv1.LabelSkipMirror, address.IP, name, port))
}
