package webhook

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"outrigger.dev/outrigger/inject"
)

// The two versions of admission reviews. They differ in nothing that is used here.
const (
	reviewV1      = "admission.k8s.io/v1"
	reviewV1beta1 = "admission.k8s.io/v1beta1"
	reviewKind    = "AdmissionReview"
)

// A Review is one question of the API server.
type Review struct {
	// Version is the apiVersion that the question came in and is answered in.
	Version string
	// UID names the question; the answer must repeat it.
	UID       string
	Namespace string
	DryRun    bool
	// Pod is the object as sent: its bytes have not been through any type.
	Pod []byte
	// Path is what the URL says.
	Path inject.Path
	// Glance is of the pod; nil where it is not written as the API server does.
	Glance *inject.Glance

	name        string
	kind        metav1.GroupVersionKind
	subResource string
	operation   string
}

// envelope is what is read of an AdmissionReview. The object stays bytes, so
// that a field that nobody here knows reaches inject as it was sent.
type envelope struct {
	APIVersion string   `json:"apiVersion"`
	Kind       string   `json:"kind"`
	Request    *request `json:"request"`
}

type request struct {
	UID         string                  `json:"uid"`
	Kind        metav1.GroupVersionKind `json:"kind"`
	SubResource string                  `json:"subResource"`
	Name        string                  `json:"name"`
	Namespace   string                  `json:"namespace"`
	Operation   string                  `json:"operation"`
	DryRun      *bool                   `json:"dryRun"`
	Object      json.RawMessage         `json:"object"`

	glance *inject.Glance
}

// readEnvelope reads a body. One that the API server wrote is gone over once, for the
// few fields that count. Any other is left to encoding/json, which is less strict
// about names.
func readEnvelope(body []byte) (envelope, error) {
	r := &request{glance: &inject.Glance{}}
	e := envelope{Request: r}
	if inject.ReadFields(body, inject.Fields{
		"apiVersion": &e.APIVersion, "kind": &e.Kind, "request": inject.Fields{
			"uid": &r.UID, "subResource": &r.SubResource, "name": &r.Name, "namespace": &r.Namespace, "operation": &r.Operation,
			"kind":   inject.Fields{"group": &r.Kind.Group, "version": &r.Kind.Version, "kind": &r.Kind.Kind},
			"dryRun": &r.DryRun, "object": inject.Whole{Text: &r.Object, Fields: r.glance.Fields()},
		},
	}) && r.UID != "" && r.Object != nil {
		return e, nil
	}
	e = envelope{}
	err := json.Unmarshal(body, &e)
	return e, err
}

// readReview reads an AdmissionReview; what is wrong with it is in the error.
func readReview(body []byte) (Review, error) {
	e, err := readEnvelope(body)
	if err != nil {
		return Review{}, fmt.Errorf("body: %w, want an %s", err, reviewKind)
	}
	if e.Kind != reviewKind || e.APIVersion != reviewV1 && e.APIVersion != reviewV1beta1 {
		return Review{}, fmt.Errorf("body: is a %.64q of %.64q, want an %s of %s", e.Kind, e.APIVersion, reviewKind, reviewV1)
	}
	if e.Request == nil {
		return Review{}, errors.New("review: has no request")
	}
	review := Review{
		Version:     e.APIVersion,
		UID:         e.Request.UID,
		Namespace:   e.Request.Namespace,
		DryRun:      e.Request.DryRun != nil && *e.Request.DryRun,
		Pod:         e.Request.Object,
		Glance:      e.Request.glance,
		name:        e.Request.Name,
		kind:        e.Request.Kind,
		subResource: e.Request.SubResource,
		operation:   e.Request.Operation,
	}
	if absent := len(review.Pod) == 0 || string(review.Pod) == "null"; absent && review.outOfScope() == "" {
		return Review{}, errors.New("review: the request has no object")
	}
	return review, nil
}

// outOfScope says what a review is about where it is not the creation of a pod,
// and "" where it is. Our configurations ask about nothing else; somebody else's
// might, and must not be answered with a patch. What a review does not say, as
// one written by hand may not, is taken for what we are asked about.
func (r Review) outOfScope() string {
	pod := r.kind == (metav1.GroupVersionKind{Version: "v1", Kind: "Pod"}) || r.kind == metav1.GroupVersionKind{}
	if created := r.operation == "CREATE" || r.operation == ""; pod && created && r.subResource == "" {
		return ""
	}
	kind := r.kind.Kind
	if r.subResource != "" {
		kind += "/" + r.subResource
	}
	return fmt.Sprintf("%.16s of a %.64s is not the creation of a pod", r.operation, kind)
}

// podName is what to call the pod in the log: its name, or the prefix that its
// name will be made from.
func (r Review) podName() string {
	return cmp.Or(r.name, inject.PodName(r.Pod))
}
