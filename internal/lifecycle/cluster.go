package lifecycle

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
)

// A Cluster is one that Outrigger is in, or is to be in, and its namespace there. It is
// safe for use by several goroutines.
type Cluster struct {
	Namespace string

	getter  genericclioptions.RESTClientGetter
	client  kubernetes.Interface
	dynamic dynamic.Interface
	mapper  meta.RESTMapper
	// every is how often is looked at what is waited for.
	every time.Duration
}

// Connect reads the kubeconfig. Nothing is asked of the API server yet.
func Connect(getter genericclioptions.RESTClientGetter, namespace string) (*Cluster, error) {
	config, err := getter.ToRESTConfig()
	if err != nil {
		return nil, err
	}
	// What is asked is little, and a person waits for it.
	config.QPS, config.Burst = 50, 200
	c := &Cluster{Namespace: namespace, getter: getter, every: 500 * time.Millisecond}
	if c.client, err = kubernetes.NewForConfig(config); err != nil {
		return nil, err
	}
	if c.dynamic, err = dynamic.NewForConfig(config); err != nil {
		return nil, err
	}
	// What the API server has is kept on disk for hours, and kinds come and go with what is
	// installed.
	known, err := getter.ToDiscoveryClient()
	if err != nil {
		return nil, err
	}
	known.Invalidate()
	c.mapper, err = getter.ToRESTMapper()
	return c, err
}

// resource is where objects of a kind are asked for. namespace does not matter for kinds
// that have none.
func (c *Cluster) resource(kind schema.GroupVersionKind, namespace string) (dynamic.ResourceInterface, error) {
	mapping, err := c.mapper.RESTMapping(kind.GroupKind(), kind.Version)
	if err != nil {
		return nil, err
	}
	if mapping.Scope.Name() == meta.RESTScopeNameRoot {
		return c.dynamic.Resource(mapping.Resource), nil
	}
	return c.dynamic.Resource(mapping.Resource).Namespace(namespace), nil
}

// get gives an object as it is in the cluster, nil where it is not, or where its kind or
// its namespace is not.
func (c *Cluster) get(ctx context.Context, o *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	resource, err := c.resource(o.GroupVersionKind(), o.GetNamespace())
	if meta.IsNoMatchError(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	live, err := resource.Get(ctx, o.GetName(), metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	return live, err
}

// applied is what would come of applying an object, without doing it.
func (c *Cluster) applied(ctx context.Context, o *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	resource, err := c.resource(o.GroupVersionKind(), o.GetNamespace())
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	return resource.Patch(ctx, o.GetName(), types.ApplyPatchType, text,
		metav1.PatchOptions{DryRun: []string{metav1.DryRunAll}, Force: new(true), FieldManager: fieldManager})
}

// Diff is the unified diff between what is in the cluster and what would be, if these
// values were installed. Objects of this revision that would be no more are in it.
func (c *Cluster) Diff(ctx context.Context, values Values) (string, error) {
	if err := values.Check(); err != nil {
		return "", err
	}
	release, err := c.findRelease(ctx, values.Revision())
	if err != nil {
		return "", err
	}
	chart, err := loadChart()
	if err != nil {
		return "", err
	}
	wanted, err := renderChart(chart, values, release.name, c.Namespace)
	if err != nil {
		return "", err
	}
	var is, will []Manifest
	known := map[string]bool{}
	for _, m := range wanted {
		known[identity(&m.Object)] = true
		live, after, err := c.around(ctx, &m.Object)
		if err != nil {
			return "", fmt.Errorf("%s: %w", m.Title(), err)
		}
		if live != nil {
			is = append(is, Manifest{Object: *live})
		}
		will = append(will, Manifest{Object: *after})
	}
	left, err := c.labelled(ctx, revisionSelector(values.Revision()))
	if err != nil {
		return "", err
	}
	for _, o := range left {
		if !known[identity(&o)] {
			is = append(is, Manifest{Object: o})
		}
	}
	return DiffManifests("live", is, "wanted", will)
}

// around gives an object as it is, nil where it is not there, and as it would be when
// applied. Where not even its namespace is there it would be as it says itself.
func (c *Cluster) around(ctx context.Context, o *unstructured.Unstructured) (before, after *unstructured.Unstructured, err error) {
	if before, err = c.get(ctx, o); err != nil {
		return nil, nil, err
	}
	if before == nil {
		return nil, o, nil
	}
	if o.GetKind() == "Namespace" {
		return before, before, nil // as makeNamespace has it
	}
	o = o.DeepCopy()
	keepOwner(o, before)
	after, err = c.applied(ctx, o)
	return before, after, err
}

// keepOwner has an object say what Helm writes on it, where it did.
func keepOwner(o, live *unstructured.Unstructured) {
	for _, key := range []string{releaseNameKey, releaseNamespaceKey} {
		if value := live.GetAnnotations()[key]; value != "" {
			annotations := o.GetAnnotations()
			if annotations == nil {
				annotations = map[string]string{}
			}
			annotations[key] = value
			o.SetAnnotations(annotations)
		}
	}
}
