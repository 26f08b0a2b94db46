package dryrun

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	corev1 "k8s.io/api/core/v1"
	kjson "sigs.k8s.io/json"

	"outrigger.dev/outrigger/inject"
	"outrigger.dev/outrigger/internal/manifest"
)

// Bounds of a manifest. What is parsed takes up to a hundred times the size of its
// text, and the server has other work to do.
const (
	// MaxManifest is how many bytes a manifest may have: as many as an object may.
	MaxManifest = 3 << 20
	// maxTokens is how many values, about, a manifest may have: those of a thousand
	// Deployments.
	maxTokens = 100_000
	// maxPods is how many pods are answered for at a time.
	maxPods = 200
	// maxFaults is how many faults are told of.
	maxFaults = 20
)

// input is a manifest that has been read.
type input struct {
	pods       []asked
	others     []Manifest
	namespaces map[string]inject.Namespace
	warnings   []string
}

// asked is one pod that is asked about.
type asked struct {
	document manifest.Document
	workload inject.Workload
	manifest Manifest
	pod      *corev1.Pod
	// reviewed says that the document is an AdmissionReview: the pod is the request's
	// object, and the webhook has been called.
	reviewed bool
}

// read reads a manifest, whose pods are in namespace unless they say otherwise.
func read(text []byte, namespace string) (*input, *Faults) {
	if len(text) > MaxManifest {
		return nil, refuse(http.StatusRequestEntityTooLarge, "manifest: %d bytes, want at most %d", len(text), MaxManifest)
	}
	if n := tokens(text); n > maxTokens {
		return nil, refuse(http.StatusRequestEntityTooLarge, "manifest: about %d values, want at most %d", n, maxTokens)
	}
	in := &input{namespaces: map[string]inject.Namespace{}}
	var faults []Fault
	for _, d := range manifest.Read("manifest", text) {
		faults = append(faults, in.document(d, namespace)...)
		if len(in.pods) > maxPods {
			return nil, refuse(http.StatusRequestEntityTooLarge, "manifest: more than %d pods, want at most that many at a time", maxPods)
		}
	}
	switch {
	case len(faults) > 0:
		return nil, faulty(http.StatusUnprocessableEntity, faults[:min(len(faults), maxFaults)]...)
	case len(in.pods)+len(in.others)+len(in.namespaces) == 0:
		return nil, refuse(http.StatusUnprocessableEntity, "manifest: is empty, want YAML or JSON with a Pod or a workload")
	}
	return in, nil
}

// tokens is how many values a text may have, about, in either language.
func tokens(text []byte) int {
	return bytes.Count(text, []byte("\n")) + bytes.Count(text, []byte(",")) + bytes.Count(text, []byte("[")) + bytes.Count(text, []byte("{"))
}

// document takes in one document.
func (in *input) document(d manifest.Document, namespace string) []Fault {
	if d.Err != nil {
		return []Fault{unreadable(d)}
	}
	if d.JSON == nil {
		return nil
	}
	if d.Warning != "" {
		in.warnings = append(in.warnings, d.Where()+": "+d.Warning)
	}
	if reviewed, isReview, fault := review(d); isReview {
		if fault != nil {
			return []Fault{*fault}
		}
		return in.add(d, reviewed, true)
	}
	namespaces, err := d.Namespaces()
	if err != nil {
		return []Fault{at(d, "", err.Error())}
	}
	for _, ns := range namespaces {
		in.namespaces[ns.Name] = ns
	}
	workloads, err := inject.ReadWorkloads(d.JSON)
	if err != nil {
		return []Fault{at(d, missing(err), err.Error())}
	}
	if len(workloads) == 0 && len(namespaces) == 0 {
		in.others = append(in.others, otherOf(d))
	}
	for i := range workloads {
		if !namesNamespace(d.JSON, workloads[i]) {
			workloads[i].Namespace = cmp.Or(namespace, inject.DefaultNamespace)
		}
	}
	return in.add(d, workloads, false)
}

// add takes in the pods of a document.
func (in *input) add(d manifest.Document, workloads []inject.Workload, reviewed bool) (faults []Fault) {
	for _, w := range workloads {
		pod := &corev1.Pod{}
		if err := kjson.UnmarshalCaseSensitivePreserveInts(w.Pod, pod); err != nil {
			if exact := json.Unmarshal(w.Pod, pod); exact != nil {
				err = exact // which says where
			}
			faults = append(faults, at(d, w.Prefix+typePointer(err), podError(w, err)))
			continue
		}
		in.pods = append(in.pods, asked{document: d, workload: w, pod: pod, reviewed: reviewed, manifest: Manifest{
			APIVersion: w.APIVersion, Kind: w.Kind, Namespace: w.Namespace, Name: w.Name,
			Document: d.Number, Line: d.Line, Pointer: w.Prefix,
		}})
	}
	return faults
}

// otherOf is a document without a pod.
func otherOf(d manifest.Document) Manifest {
	var m struct {
		APIVersion, Kind string
		Metadata         struct{ Name, Namespace string }
	}
	_ = json.Unmarshal(d.JSON, &m) // what it has of another type is not told
	return Manifest{
		APIVersion: m.APIVersion, Kind: m.Kind, Name: m.Metadata.Name, Namespace: m.Metadata.Namespace, Document: d.Number, Line: d.Line,
	}
}

// namesNamespace says whether a manifest says itself in which namespace it is.
func namesNamespace(document []byte, w inject.Workload) bool {
	at := w.Prefix
	for _, suffix := range []string{"/spec/jobTemplate/spec/template", "/spec/template"} {
		if w.Kind != "Pod" {
			at = strings.TrimSuffix(at, suffix)
		}
	}
	var m struct{ Metadata struct{ Namespace string } }
	found := lookup(document, at)
	return found != nil && json.Unmarshal(found, &m) == nil && m.Metadata.Namespace != ""
}

// review is the pod of an AdmissionReview; isReview is false for everything else.
func review(d manifest.Document) (pods []inject.Workload, isReview bool, fault *Fault) {
	var review struct {
		APIVersion, Kind string
		Request          *struct {
			Namespace, Name string
			Object          json.RawMessage
		}
	}
	if json.Unmarshal(d.JSON, &review) != nil || review.Kind != "AdmissionReview" || !strings.HasPrefix(review.APIVersion, "admission.k8s.io/") {
		return nil, false, nil
	}
	problem := func(pointer, message string) ([]inject.Workload, bool, *Fault) {
		found := at(d, pointer, message)
		return nil, true, &found
	}
	if review.Request == nil || len(review.Request.Object) == 0 {
		return problem("/request", "AdmissionReview: has no request with an object, want a Pod there")
	}
	pods, err := inject.ReadWorkloads(review.Request.Object)
	if err != nil {
		return problem("/request/object", err.Error())
	}
	if len(pods) != 1 || pods[0].Kind != "Pod" {
		return problem("/request/object", "AdmissionReview: its object is not a Pod, and Outrigger answers for pods only")
	}
	pods[0].Prefix = "/request/object"
	pods[0].Namespace = cmp.Or(review.Request.Namespace, pods[0].Namespace)
	pods[0].Name = cmp.Or(review.Request.Name, pods[0].Name)
	return pods, true, nil
}

// podError is a fault of a pod that its type has, for people.
func podError(w inject.Workload, err error) string {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		return w.String() + ": " + wrong.Field + ": " + wrong.Value + ", want " + wrong.Type.String()
	}
	return w.String() + ": " + strings.TrimPrefix(err.Error(), "json: ")
}
