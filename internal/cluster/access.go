package cluster

import (
	"context"
	"errors"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Access asks the API server who a caller is, and whether it may. It needs the right
// to create tokenreviews and subjectaccessreviews.
type Access struct{ Client Client }

// ErrUnknownToken says that a token is nobody's.
var ErrUnknownToken = errors.New("the token is not one of this cluster's, or no longer valid")

// Allowed says whether the holder of a token has the right to a verb on a path of a
// server: nonResourceURLs in RBAC.
func (a Access) Allowed(ctx context.Context, token, verb, path string) (user string, allowed bool, err error) {
	review, err := a.Client.AuthenticationV1().TokenReviews().Create(ctx, &authenticationv1.TokenReview{
		Spec: authenticationv1.TokenReviewSpec{Token: token},
	}, metav1.CreateOptions{})
	if err != nil {
		return "", false, err
	}
	if !review.Status.Authenticated {
		return "", false, ErrUnknownToken
	}
	who := review.Status.User
	extra := make(map[string]authorizationv1.ExtraValue, len(who.Extra))
	for key, value := range who.Extra {
		extra[key] = authorizationv1.ExtraValue(value)
	}
	access, err := a.Client.AuthorizationV1().SubjectAccessReviews().Create(ctx, &authorizationv1.SubjectAccessReview{
		Spec: authorizationv1.SubjectAccessReviewSpec{
			User: who.Username, Groups: who.Groups, UID: who.UID, Extra: extra,
			NonResourceAttributes: &authorizationv1.NonResourceAttributes{Verb: verb, Path: path},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		return who.Username, false, err
	}
	return who.Username, access.Status.Allowed, nil
}
