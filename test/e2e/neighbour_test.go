package e2e_test

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// A step is one operation of a JSON Patch.
type step struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value,omitempty"`
}

// neighbours are the mutating webhooks of other people, by their paths.
var neighbours = map[string]func(*corev1.Pod) []step{
	// adds puts a container behind all others, with a volume, unless it is there.
	"adds": func(pod *corev1.Pod) []step {
		if slices.Contains(names(pod.Spec.Containers), "added") {
			return nil
		}
		return []step{
			{"add", "/spec/containers/-", addedContainer},
			{"add", "/spec/volumes/-", corev1.Volume{Name: "added"}},
		}
	},
	// first puts an init container before all others, unless it is there.
	"first": func(pod *corev1.Pod) []step {
		if slices.Contains(names(pod.Spec.InitContainers), "first") {
			return nil
		}
		return []step{{"add", "/spec/initContainers/0", corev1.Container{Name: "first", Image: "example.com/first:1"}}}
	},
	// insists is first, and puts its container back wherever it is now.
	"insists": func(pod *corev1.Pod) []step {
		at := slices.Index(names(pod.Spec.InitContainers), "first")
		switch at {
		case 0:
			return nil
		case -1:
			return []step{{"add", "/spec/initContainers/0", corev1.Container{Name: "first", Image: "example.com/first:1"}}}
		}
		return []step{
			{Op: "remove", Path: fmt.Sprintf("/spec/initContainers/%d", at)},
			{"add", "/spec/initContainers/0", pod.Spec.InitContainers[at]},
		}
	},
}

// addedContainer has of everything that an injection rewrites.
var addedContainer = json.RawMessage(`{"name":"added","image":"example.com/added:1",
	"ports":[{"name":"admin","containerPort":9901}],
	"readinessProbe":{"httpGet":{"path":"/ready","port":"admin"}},
	"livenessProbe":{"grpc":{"port":9902}},
	"lifecycle":{"preStop":{"httpGet":{"path":"/stop","port":"admin"}}},
	"volumeMounts":[{"name":"added","mountPath":"/added"}]}`)

// moveIn serves the neighbours and registers each four times: before us and after
// us by the name of its configuration, asked once and asked again. They mind the
// pods of namespaces with the label example.com/NEIGHBOUR: before-never, and so
// on. It returns when the API server knows them all.
func moveIn(t *testing.T) {
	t.Helper()
	server := httptest.NewTLSServer(http.HandlerFunc(answer))
	t.Cleanup(server.Close)
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	for when, name := range map[string]string{"before": "a-neighbours", "after": "z-neighbours"} {
		config := &admissionregistrationv1.MutatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{Name: name}}
		for neighbour := range neighbours {
			for again, policy := range map[string]admissionregistrationv1.ReinvocationPolicyType{
				"never":    admissionregistrationv1.NeverReinvocationPolicy,
				"ifneeded": admissionregistrationv1.IfNeededReinvocationPolicy,
			} {
				label := map[string]string{"example.com/" + neighbour: when + "-" + again}
				config.Webhooks = append(config.Webhooks, webhook(again+"."+neighbour+".example.com", server.URL+"/"+neighbour, ca, label, policy))
			}
		}
		register(t, config)
		awaitNeighbour(t, newNamespace(t, map[string]string{"example.com/adds": when + "-never"}))
	}
}

// register registers webhooks until the test ends.
func register(t *testing.T, config *admissionregistrationv1.MutatingWebhookConfiguration) {
	t.Helper()
	configs := cluster.Client().AdmissionregistrationV1().MutatingWebhookConfigurations()
	if _, err := configs.Create(within(t), config, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // when the test's own context has ended
		if err := configs.Delete(context.Background(), config.Name, metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	})
}

// awaitNeighbour returns when the neighbour adds to the pods of a namespace.
func awaitNeighbour(t *testing.T, namespace string) {
	t.Helper()
	ctx := within(t)
	for n := 0; ; n++ {
		pod := mustCreate(t, namespace, newPod(fmt.Sprintf("await-%d", n)))
		if slices.Contains(names(pod.Spec.Containers), "added") {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%d pods, and nothing added to any", n)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// webhook asks about the pods of the namespaces with a label.
func webhook(name, url string, ca []byte, label map[string]string, policy admissionregistrationv1.ReinvocationPolicyType) admissionregistrationv1.MutatingWebhook {
	none := admissionregistrationv1.SideEffectClassNone
	return admissionregistrationv1.MutatingWebhook{
		Name:                    name,
		ClientConfig:            admissionregistrationv1.WebhookClientConfig{URL: &url, CABundle: ca},
		NamespaceSelector:       &metav1.LabelSelector{MatchLabels: label},
		ReinvocationPolicy:      &policy,
		SideEffects:             &none,
		AdmissionReviewVersions: []string{"v1"},
		Rules: []admissionregistrationv1.RuleWithOperations{{
			Operations: []admissionregistrationv1.OperationType{admissionregistrationv1.Create},
			Rule:       admissionregistrationv1.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: []string{"pods"}},
		}},
	}
}

// answer answers a review as the neighbour does whose path is asked.
func answer(w http.ResponseWriter, r *http.Request) {
	var review admissionv1.AdmissionReview
	var pod corev1.Pod
	err := json.NewDecoder(r.Body).Decode(&review)
	if err == nil {
		err = json.Unmarshal(review.Request.Object.Raw, &pod)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	review.Response = &admissionv1.AdmissionResponse{UID: review.Request.UID, Allowed: true}
	if steps := neighbours[strings.TrimPrefix(r.URL.Path, "/")](&pod); steps != nil {
		patchType := admissionv1.PatchTypeJSONPatch
		review.Response.PatchType = &patchType
		if review.Response.Patch, err = json.Marshal(steps); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
	}
	review.Request = nil
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(review) // the API server says so if it does not get it
}
