package dryrun

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Access says who holds a token, and whether that one has the right to a verb on a
// path. Its error is [ErrUnknownToken] for a token that is nobody's.
type Access func(ctx context.Context, token, verb, path string) (user string, allowed bool, err error)

// ErrUnknownToken says that a token is nobody's.
var ErrUnknownToken = errors.New("the token is not one of this cluster's, or no longer valid")

const (
	accessTime = 5 * time.Second
	// askers is how many callers are looked up at a time.
	askers = 8
)

// Authorized lets through who has the right to it, by a bearer token: the verb is the
// method in lower case, and the path the URL's.
//
//	no bearer token, or one that is nobody's   401
//	no right                                   403, with the rule that would give it
//	it could not be found out                  503
func Authorized(next http.Handler, access Access) http.Handler {
	places := make(chan struct{}, askers)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		if !strings.EqualFold(scheme, "Bearer") || token == "" {
			w.Header().Set("WWW-Authenticate", "Bearer")
			http.Error(w, "authorization: no bearer token, want the token of a user or ServiceAccount of this cluster", http.StatusUnauthorized)
			return
		}
		select {
		case places <- struct{}{}:
		default:
			w.Header().Set("Retry-After", "1")
			http.Error(w, "authorization: as many callers as may be are being looked up, ask again in a second", http.StatusTooManyRequests)
			return
		}
		code, err := allowed(r, access, token)
		<-places
		if err != nil {
			http.Error(w, err.Error(), code)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// allowed is the status and what is wrong, or nil.
func allowed(r *http.Request, access Access, token string) (int, error) {
	ctx, cancel := context.WithTimeout(r.Context(), accessTime)
	defer cancel()
	verb := strings.ToLower(r.Method)
	user, may, err := access(ctx, token, verb, r.URL.Path)
	switch {
	case err != nil && errors.Is(err, ErrUnknownToken):
		return http.StatusUnauthorized, fmt.Errorf("authorization: %w", err)
	case err != nil:
		return http.StatusServiceUnavailable, fmt.Errorf("authorization: cannot be found out now: %w", err)
	case !may:
		return http.StatusForbidden, fmt.Errorf("user %.256q: has no right to this, want a ClusterRole with nonResourceURLs [%q] and verbs [%q]", user, r.URL.Path, verb)
	}
	return 0, nil
}
