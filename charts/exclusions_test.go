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

// Every combination of them that the schema allows, true, false or left to the profile, renders
// just these conditions, in every entry of every configuration, under every profile that has a
// webhook, with conditions of the user's and without.
func TestEveryCombinationOfExclusionsIsRendered(t *testing.T) {
	profiles := []string{"default", "demo", "minimal", "preview", "openshift"}
	byProfile := map[string]map[string]bool{}
	for _, profile := range profiles {
		byProfile[profile] = map[string]bool{}
		for _, condition := range conditionsOf(t, "profile: "+profile)[0] {
			byProfile[profile][condition] = true
		}
	}
	for n := range 3 * 3 * 3 * 3 * 3 {
		profile := profiles[n%len(profiles)]
		var set, want []string
		for i, rest := 0, n; i < len(exclusions); i, rest = i+1, rest/3 {
			e := exclusions[i]
			chosen := []string{"true", "false", "null"}[rest%3]
			set = append(set, e.value+": "+chosen)
			if chosen == "true" || chosen == "null" && byProfile[profile][e.condition] {
				want = append(want, e.condition)
			}
		}
		values := fmt.Sprintf("profile: %s\nrevisionTags: [prod]\nwebhook:\n  exclude: {%s}\n", profile, strings.Join(set, ", "))
		if n%2 == 0 {
			values += "  matchConditions: [{name: mine, expression: 'true'}]\n"
			want = append(want, "mine")
		}
		entries := conditionsOf(t, values)
		if len(entries) != 5+2 {
			t.Fatalf("%d entries, want those of the revision and those of the tag", len(entries))
		}
		for _, got := range entries {
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s\n(-want +got):\n%s", values, diff)
			}
		}
	}
	if len(byProfile["default"]) == 0 || len(byProfile["demo"]) == len(byProfile["default"]) {
		t.Errorf("%v: profiles are all the same, which proves nothing of null", byProfile)
	}
}

// conditionsOf are the names of the conditions of every entry of every configuration.
func conditionsOf(t *testing.T, values string) [][]string {
	t.Helper()
	var all [][]string
	for _, c := range every[*admissionv1.MutatingWebhookConfiguration](t, values) {
		for _, entry := range c.Webhooks {
			if entry.Name == canaryEntry {
				continue // nobody else's pods go there
			}
			var names []string
			for _, condition := range entry.MatchConditions {
				names = append(names, condition.Name)
			}
			all = append(all, names)
		}
	}
	return all
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
