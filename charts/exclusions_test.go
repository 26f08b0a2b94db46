package charts_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admissionregistration/v1"
)

// exclusions are the values under webhook.exclude and the conditions they switch on.
var exclusions = []struct{ value, condition string }{
	{"mirror", "exclude-mirror"},
	{"hostNetwork", "exclude-host-network"},
	{"windows", "exclude-windows"},
	{"annotationOptOut", "exclude-annotation-opt-out"},
	{"critical", "exclude-critical"},
}

// Every combination of them that the schema allows renders just these conditions, in
// every entry of every configuration, under every profile that has a webhook.
func TestEveryCombinationOfExclusionsIsRendered(t *testing.T) {
	for n := range 1 << len(exclusions) {
		var set, want []string
		for i, e := range exclusions {
			on := n>>i&1 == 1
			set = append(set, fmt.Sprintf("%s: %v", e.value, on))
			if on {
				want = append(want, e.condition)
			}
		}
		profile := []string{"default", "demo", "minimal", "preview", "openshift"}[n%5]
		own := n%3 == 0
		values := fmt.Sprintf("profile: %s\nrevisionTags: [prod]\nwebhook:\n  exclude: {%s}\n", profile, strings.Join(set, ", "))
		if own {
			values += "  matchConditions: [{name: mine, expression: 'true'}]\n"
			want = append(want, "mine")
		}
		configurations := every[*admissionv1.MutatingWebhookConfiguration](t, values)
		if len(configurations) != 2 {
			t.Fatalf("%d configurations, want that of the revision and that of the tag", len(configurations))
		}
		for _, c := range configurations {
			for _, entry := range c.Webhooks {
				var got []string
				for _, condition := range entry.MatchConditions {
					got = append(got, condition.Name)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s\n%s of %s (-want +got):\n%s", values, entry.Name, c.Name, diff)
				}
			}
		}
	}
}

// The schema knows no other exclusion, and the profile default sets every one.
func TestExclusionsAreAllThereAre(t *testing.T) {
	var want []string
	for _, e := range exclusions {
		want = append(want, e.value)
	}
	schema := schemaOf(t).at("webhook", "exclude").Properties
	got := make([]string, 0, len(schema))
	for name := range schema {
		got = append(got, name)
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-tested +schema):\n%s", diff)
	}
}
