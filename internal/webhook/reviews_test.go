package webhook_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"outrigger.dev/outrigger/inject"
	"outrigger.dev/outrigger/internal/webhook"
)

// checking is an injector that wants its namespace labelled or unknown.
func checking(asked *[]inject.Namespace) *fakeInjector {
	return &fakeInjector{inject: func(r inject.Request) (inject.Result, error) {
		*asked = append(*asked, r.Namespace)
		if r.Namespace.Unknown || r.Namespace.Labels["istio-injection"] == "enabled" {
			return inject.Result{Decision: inject.Decision{Verdict: inject.Inject, Reason: inject.Policy}}, nil
		}
		return skipped(inject.NamespaceNotEnabled, "the namespace is not enabled"), nil
	}}
}

func TestReviewsTrustTheCallMoreThanALateCache(t *testing.T) {
	unlabelled := inject.Namespace{Name: "shop"}
	labelled := inject.Namespace{Name: "shop", Labels: map[string]string{"istio-injection": "enabled"}}
	unknown := inject.Namespace{Name: "shop", Unknown: true}
	for name, c := range map[string]struct {
		cached *inject.Namespace
		live   *inject.Namespace
		want   inject.Verdict
		asked  []inject.Namespace
	}{
		"the cache agrees with the call: nobody is asked": {
			cached: &labelled, want: inject.Inject, asked: []inject.Namespace{labelled},
		},
		"the cache is late: the API server knows better": {
			cached: &unlabelled, live: &labelled, want: inject.Inject, asked: []inject.Namespace{unlabelled, labelled},
		},
		"the cache is right: skipped, and decided once": {
			cached: &unlabelled, live: &unlabelled, want: inject.Skip, asked: []inject.Namespace{unlabelled},
		},
		"the cache is late and the API server out of reach: the call is trusted": {
			cached: &unlabelled, want: inject.Inject, asked: []inject.Namespace{unlabelled, unknown},
		},
		"the cache has not heard of it: the API server is asked": {
			live: &labelled, want: inject.Inject, asked: []inject.Namespace{labelled},
		},
		"nobody has heard of it: the call is trusted": {
			want: inject.Inject, asked: []inject.Namespace{unknown},
		},
	} {
		t.Run(name, func(t *testing.T) {
			lookups := 0
			namespaces := fakeNamespaces{
				cached: func(string) (inject.Namespace, bool) {
					if c.cached == nil {
						return inject.Namespace{}, false
					}
					return *c.cached, true
				},
				live: func(context.Context, string) (inject.Namespace, error) {
					lookups++
					if c.live == nil {
						return inject.Namespace{}, errors.New("out of reach")
					}
					return *c.live, nil
				},
			}
			var asked []inject.Namespace
			in := checking(&asked)
			reviews := webhook.NewReviews(func() webhook.Injector { return in }, webhook.Cluster{Namespaces: namespaces})
			answer, err := reviews.Review(t.Context(), webhook.Review{Namespace: "shop", Pod: []byte("{}")})
			if err != nil {
				t.Fatal(err)
			}
			if answer.Decision.Verdict != c.want {
				t.Errorf("verdict is %q, want %q", answer.Decision.Verdict, c.want)
			}
			if diff := cmp.Diff(c.asked, asked); diff != "" {
				t.Errorf("namespaces decided with (-want +got):\n%s", diff)
			}
			if agreed := c.cached == &labelled; agreed && lookups != 0 || lookups > 1 {
				t.Errorf("the API server was asked %d times", lookups)
			}
		})
	}
}
