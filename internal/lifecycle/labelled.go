package lifecycle

import (
	"context"
	"errors"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
)

// What the chart labels everything with.
const (
	partOf      = "app.kubernetes.io/part-of=outrigger"
	revisionKey = "outrigger.dev/revision"
	tagKey      = "outrigger.dev/tag"
)

func revisionSelector(revision string) string { return partOf + "," + revisionKey + "=" + revision }

// labelled are the objects that a selector matches, of every kind that can be listed and
// deleted and in every namespace, but for those that controllers made for others: those
// go with them.
func (c *Cluster) labelled(ctx context.Context, selector string) ([]unstructured.Unstructured, error) {
	kinds, err := c.kinds()
	if err != nil {
		return nil, err
	}
	var all []unstructured.Unstructured
	for _, kind := range kinds {
		list, err := c.dynamic.Resource(kind).List(ctx, metav1.ListOptions{LabelSelector: selector})
		switch {
		case apierrors.IsNotFound(err), apierrors.IsMethodNotSupported(err), apierrors.IsForbidden(err):
			continue // a kind that just went, or that is none of the caller's
		case err != nil:
			return nil, err
		}
		for _, o := range list.Items {
			if metav1.GetControllerOf(&o) == nil {
				all = append(all, o)
			}
		}
	}
	return all, nil
}

// kinds are all that objects can be listed and deleted of. Those of an API that does not
// answer are left out.
func (c *Cluster) kinds() ([]schema.GroupVersionResource, error) {
	client, err := c.getter.ToDiscoveryClient()
	if err != nil {
		return nil, err
	}
	lists, err := client.ServerPreferredResources()
	if err != nil && !discovery.IsGroupDiscoveryFailedError(err) && !errors.As(err, new(*discovery.ErrGroupDiscoveryFailed)) {
		return nil, err
	}
	var all []schema.GroupVersionResource
	for _, list := range lists {
		group, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			continue
		}
		for _, r := range list.APIResources {
			// Events are of others, and endpoints go with their Service.
			if slices.Contains(r.Verbs, "list") && slices.Contains(r.Verbs, "delete") && !slices.Contains([]string{"events", "endpoints", "endpointslices"}, r.Name) {
				all = append(all, group.WithResource(r.Name))
			}
		}
	}
	return all, nil
}
