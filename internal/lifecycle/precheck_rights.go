package lifecycle

import (
	"context"
	"fmt"

	authorizationv1 "k8s.io/api/authorization/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// denied is what the caller may not do with a kind in our namespace and would have to,
// "" where that is nothing.
func (c *Cluster) denied(ctx context.Context, kind schema.GroupVersionKind) (string, error) {
	mapping, err := c.mapper.RESTMapping(kind.GroupKind(), kind.Version)
	if meta.IsNoMatchError(err) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	for _, verb := range []string{"get", "create", "patch", "delete"} {
		review, err := c.client.AuthorizationV1().SelfSubjectAccessReviews().Create(ctx, &authorizationv1.SelfSubjectAccessReview{
			Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &authorizationv1.ResourceAttributes{
				Verb: verb, Group: mapping.Resource.Group, Resource: mapping.Resource.Resource, Namespace: c.Namespace,
			}},
		}, metav1.CreateOptions{})
		if err != nil {
			return "", err
		}
		if !review.Status.Allowed {
			return fmt.Sprintf("%s %s in namespace %s", verb, mapping.Resource.GroupResource(), c.Namespace), nil
		}
	}
	return "", nil
}
