package charts_test

import (
	"io/fs"
	"path"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"

	"outrigger.dev/outrigger/charts"
)

// What somebody sets goes before the profile, also where it is what the chart has by
// default, or is false, 0 or nothing.
func TestValuesGoBeforeTheProfile(t *testing.T) {
	type got struct {
		Replicas int32
		Policy   admissionv1.FailurePolicyType
		Excluded int
		Level    string
	}
	for name, tc := range map[string]struct {
		values string
		want   got
	}{
		"the profile default":             {"{}", got{2, "Fail", 4, "info"}},
		"the profile demo":                {"profile: demo", got{1, "Ignore", 0, "debug"}},
		"set to what the default is":      {"{profile: demo, replicaCount: 2, logLevel: info, webhook: {failurePolicy: Fail, exclude: {mirror: true}}}", got{2, "Fail", 1, "info"}},
		"set to false":                    {"webhook: {exclude: {mirror: false, hostNetwork: false, windows: false, annotationOptOut: false}}", got{2, "Fail", 0, "info"}},
		"null is what the profile says":   {"{profile: demo, replicaCount: null, logLevel: null}", got{1, "Ignore", 0, "debug"}},
		"a file of a profile, by itself":  {profileFile(t, "minimal"), got{1, "Ignore", 4, "info"}},
		"what a profile says nothing of":  {"profile: openshift", got{2, "Fail", 4, "info"}},
		"values-ha.yaml on a profile":     {"profile: minimal\n" + file(t, "values-ha.yaml"), got{3, "Ignore", 4, "info"}},
		"a number as --set-string has it": {"{profile: demo, podAnnotations: {prometheus.io/port: '1'}}", got{1, "Ignore", 0, "debug"}},
	} {
		t.Run(name, func(t *testing.T) {
			d, w := only[*appsv1.Deployment](t, tc.values), only[*admissionv1.MutatingWebhookConfiguration](t, tc.values)
			have := got{*d.Spec.Replicas, *w.Webhooks[0].FailurePolicy, len(w.Webhooks[0].MatchConditions), ""}
			for _, arg := range d.Spec.Template.Spec.Containers[0].Args {
				if level, ok := strings.CutPrefix(arg, "--log-level="); ok {
					have.Level = level
				}
			}
			if diff := cmp.Diff(tc.want, have); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Helm renders templates in an order of its own: each completes the values by itself.
func TestEveryTemplateBeginsWithTheProfile(t *testing.T) {
	names, err := fs.Glob(charts.Outrigger(), "templates/[a-zN]*.*")
	tests, _ := fs.Glob(charts.Outrigger(), "templates/tests/*")
	if err != nil || len(names) == 0 || len(tests) == 0 {
		t.Fatalf("%d templates, %d tests, %v", len(names), len(tests), err)
	}
	names = append(names, tests...)
	for _, name := range names {
		_, rest, found := strings.Cut(file(t, name), `{{- include "outrigger.profile" . `)
		before, _, _ := strings.Cut(file(t, name), `{{- include "outrigger.profile" . `)
		if !found || rest == "" || strings.Contains(before, ".Values") {
			t.Errorf("%s reads values before the profile has completed them", path.Base(name))
		}
	}
}

// Every profile has a golden of its own.
func TestEveryProfileIsRendered(t *testing.T) {
	names, err := fs.Glob(charts.Outrigger(), "profiles/*.yaml")
	if err != nil || len(names) != 7 {
		t.Fatalf("%d profiles, %v", len(names), err)
	}
	for _, name := range names {
		golden := "testdata/profile-" + strings.TrimSuffix(path.Base(name), ".yaml") + ".txtar"
		if !strings.Contains(localFile(t, golden), "\nprofile: ") {
			t.Errorf("%s does not render %s", golden, name)
		}
		if text := file(t, name); !strings.HasPrefix(text, "# ") {
			t.Errorf("%s does not begin with what it is for", name)
		}
	}
}

func profileFile(t *testing.T, name string) string {
	t.Helper()
	return file(t, "profiles/"+name+".yaml")
}

// file is the text of a file of the chart.
func file(t *testing.T, name string) string {
	t.Helper()
	text, err := fs.ReadFile(charts.Outrigger(), name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
