package inject

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
)

// DefaultNamespace is where the pods of a manifest without a namespace are.
const DefaultNamespace = "default"

// A Workload is a manifest and the place where its pod sits.
type Workload struct {
	// APIVersion, Kind and Name are the manifest's own. Name is the generateName
	// of a pod that has no name yet.
	APIVersion, Kind, Name string
	// Namespace is where the pods will be: the manifest's, else
	// [DefaultNamespace]. What a template says about it is not looked at, as
	// controllers do not look at it either.
	Namespace string
	// Pod is the JSON of the pod: the object itself, or the template's metadata
	// and spec. Fields that we do not know are in it.
	Pod []byte
	// Prefix is the JSON Pointer of the pod from the document's root; "" for a Pod.
	Prefix string
}

// ReadWorkloads finds the workloads of one document (JSON): one for a kind that
// has a pod, those of its items for a List, none for every other kind. The
// document is not changed. An error names the manifest that is not as its kind
// should be.
func ReadWorkloads(document []byte) ([]Workload, error) {
	manifest, err := decodeObject(document)
	if err != nil {
		return nil, err
	}
	return appendWorkloads(nil, manifest, "")
}

// Owner is what the pods belong to, as the request for one of them would show
// it. It is nil for a Pod: that one says itself who its owner is.
func (w Workload) Owner() *Owner {
	if w.Kind == "Pod" {
		return nil
	}
	return &Owner{APIVersion: w.APIVersion, Kind: w.Kind, Name: w.Name, Namespace: w.Namespace}
}

// Prefixed are operations on the pod as operations on the document.
func (w Workload) Prefixed(ops []Operation) []Operation {
	out := make([]Operation, len(ops))
	for i, op := range ops {
		op.Path = w.Prefix + op.Path
		out[i] = op
	}
	return out
}

// String is "Kind namespace/name".
func (w Workload) String() string { return w.Kind + " " + w.Namespace + "/" + w.Name }

// podAt says where a manifest keeps its pod. Versions are not looked at: the
// place has been the same in every version of a group.
//
//	Pod                                                  the manifest itself
//	ReplicationController                                spec.template
//	Deployment, DaemonSet, ReplicaSet (apps, extensions) spec.template
//	StatefulSet (apps), Job (batch)                      spec.template
//	DeploymentConfig (apps.openshift.io, or none: 3.x)   spec.template
//	CronJob (batch)                                      spec.jobTemplate.spec.template
func podAt(apiVersion, kind string) (path []string, ok bool) {
	group, _, grouped := strings.Cut(apiVersion, "/")
	if !grouped {
		group = ""
	}
	switch group + "/" + kind {
	case "/Pod":
		return nil, true
	case "/ReplicationController", "/DeploymentConfig", "apps.openshift.io/DeploymentConfig",
		"apps/Deployment", "apps/DaemonSet", "apps/ReplicaSet", "apps/StatefulSet",
		"extensions/Deployment", "extensions/DaemonSet", "extensions/ReplicaSet", "batch/Job":
		return []string{"spec", "template"}, true
	case "batch/CronJob":
		return []string{"spec", "jobTemplate", "spec", "template"}, true
	}
	return nil, false
}

// appendWorkloads adds the workloads of the manifest at prefix.
func appendWorkloads(found []Workload, manifest object, prefix string) ([]Workload, error) {
	apiVersion, kind := text(manifest, "apiVersion"), text(manifest, "kind")
	if apiVersion == "v1" && kind == "List" {
		return appendItems(found, items(manifest, "items"), prefix)
	}
	path, ok := podAt(apiVersion, kind)
	if !ok {
		return found, nil
	}
	meta := sub(manifest, "metadata")
	w := Workload{
		APIVersion: apiVersion,
		Kind:       kind,
		Name:       cmp.Or(text(meta, "name"), text(meta, "generateName")),
		Namespace:  cmp.Or(text(meta, "namespace"), DefaultNamespace),
		Prefix:     prefix,
	}
	pod := manifest
	for _, field := range path {
		w.Prefix += "/" + field
		pod = sub(pod, field)
	}
	if sub(pod, "spec") == nil {
		return nil, fmt.Errorf("%s %q: no object at %s/spec, want a pod's spec", kind, w.Name, w.Prefix)
	}
	if len(path) > 0 {
		delete(sub(pod, "metadata"), "namespace")
	}
	var err error
	if w.Pod, err = encode(pod); err != nil {
		return nil, fmt.Errorf("%s %q: %w", kind, w.Name, err)
	}
	return append(found, w), nil
}

// appendItems adds the workloads of the items of a List.
func appendItems(found []Workload, list []any, prefix string) ([]Workload, error) {
	for i, item := range list {
		at := prefix + "/items/" + strconv.Itoa(i)
		manifest, ok := item.(object)
		if !ok {
			return nil, fmt.Errorf("item %d of a List: not an object, want a manifest", i)
		}
		var err error
		if found, err = appendWorkloads(found, manifest, at); err != nil {
			return nil, err
		}
	}
	return found, nil
}
