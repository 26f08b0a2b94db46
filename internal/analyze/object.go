package analyze

import (
	"encoding/json"
	"errors"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kjson "sigs.k8s.io/json"

	"outrigger.dev/outrigger/inject"
	"outrigger.dev/outrigger/internal/manifest"
)

// An Object is one of a cluster or of a file.
type Object struct {
	Subject
	Labels, Annotations map[string]string
	Owners              []metav1.OwnerReference
	// Ending says that the object is being deleted.
	Ending bool
	// JSON is the object; of a cluster's pod that a workload has made it is there until
	// [Scene.Pods] has read it.
	JSON []byte
}

// ReadObject reads an object.
func ReadObject(raw []byte) (Object, error) {
	var meta metav1.PartialObjectMetadata
	if err := kjson.UnmarshalCaseSensitivePreserveInts(raw, &meta); err != nil {
		return Object{}, err
	}
	name := meta.Name
	if name == "" {
		name = meta.GenerateName
	}
	return Object{
		Subject: Subject{APIVersion: meta.APIVersion, Kind: meta.Kind, Namespace: meta.Namespace, Name: name},
		Labels:  meta.Labels, Annotations: meta.Annotations, Owners: meta.OwnerReferences,
		Ending: meta.DeletionTimestamp != nil, JSON: raw,
	}, nil
}

// ReadFile reads the objects of a file, those in Lists included. What has a pod and no
// namespace is in the namespace given. The error has all documents that are broken.
func ReadFile(name string, content []byte, namespace string) ([]Object, error) {
	var all []Object
	var errs []error
	for _, d := range manifest.Read(name, content) {
		if d.JSON == nil {
			errs = append(errs, d.Err)
			continue
		}
		objects, err := readItems(d.JSON)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: line %d: %w", d.Where(), d.Line, err))
		}
		for _, o := range objects {
			o.File, o.Line = name, d.Line
			if o.Namespace == "" && !clusterWide[o.Kind] {
				o.Namespace = namespace
			}
			all = append(all, o)
		}
	}
	return all, errors.Join(errs...)
}

// clusterWide are the kinds without a namespace that analyzers look at.
var clusterWide = map[string]bool{"Namespace": true, "MutatingWebhookConfiguration": true}

// readItems reads a document: an object, or a List of them.
func readItems(raw []byte) ([]Object, error) {
	object, err := ReadObject(raw)
	if err != nil || object.Kind != "List" {
		return []Object{object}, err
	}
	var list struct{ Items []json.RawMessage }
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, err
	}
	var all []Object
	for _, item := range list.Items {
		objects, err := readItems(item)
		if err != nil {
			return all, err
		}
		all = append(all, objects...)
	}
	return all, nil
}

// into reads an object as its type.
func (o Object) into(typed any) error {
	if err := kjson.UnmarshalCaseSensitivePreserveInts(o.JSON, typed); err != nil {
		return fmt.Errorf("%s: %w", o.Subject, err)
	}
	return nil
}

// workload is where the object keeps its pod; ok is false for one that has none.
func (o Object) workload() (w inject.Workload, ok bool, err error) {
	found, err := inject.ReadWorkloads(o.JSON)
	if err != nil || len(found) != 1 {
		return inject.Workload{}, false, err
	}
	found[0].Namespace = o.Namespace
	return found[0], true, nil
}
