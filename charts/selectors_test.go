package charts_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// Who calls the injector, for namespaces (rows) and pods (columns) with these
// labels: the entry's name, or - for nobody. A word without "=" is the value of
// the label that switches injection: istio-injection on a namespace,
// sidecar.istio.io/inject on a pod.
var tables = map[string]struct{ values, table string }{
	"the first installation": {"", `
		                    | none          | true          | false | yes           | rev=default   | rev=canary    | true rev=default | true rev=canary | false rev=default
		none                | -             | object        | -     | -             | rev-object    | -             | rev-object       | -               | -
		enabled             | namespace     | namespace     | -     | namespace     | namespace     | namespace     | namespace        | namespace       | -
		enabled rev=default | namespace     | namespace     | -     | namespace     | namespace     | namespace     | namespace        | namespace       | -
		enabled rev=canary  | namespace     | namespace     | -     | namespace     | namespace     | namespace     | namespace        | namespace       | -
		disabled            | -             | -             | -     | -             | -             | -             | -                | -               | -
		maybe               | -             | -             | -     | -             | -             | -             | -                | -               | -
		disabled rev=default| -             | -             | -     | -             | -             | -             | -                | -               | -
		rev=default         | rev-namespace | rev-namespace | -     | rev-namespace | rev-namespace | rev-namespace | rev-namespace    | rev-namespace   | -
		rev=canary          | -             | -             | -     | -             | -             | -             | -                | -               | -
	`},
	"the first installation, named default": {"revision: default", `
		                    | none          | true          | false | rev=default   | rev=canary
		none                | -             | object        | -     | rev-object    | -
		enabled             | namespace     | namespace     | -     | namespace     | namespace
		rev=default         | rev-namespace | rev-namespace | -     | rev-namespace | rev-namespace
		rev=canary          | -             | -             | -     | -             | -
	`},
	"the revision canary": {"revision: canary", `
		                    | none          | true          | false | yes           | rev=default   | rev=canary    | true rev=canary | false rev=canary
		none                | -             | -             | -     | -             | -             | rev-object    | rev-object      | -
		enabled             | -             | -             | -     | -             | -             | -             | -               | -
		enabled rev=canary  | -             | -             | -     | -             | -             | -             | -               | -
		disabled            | -             | -             | -     | -             | -             | -             | -               | -
		disabled rev=canary | -             | -             | -     | -             | -             | -             | -               | -
		rev=default         | -             | -             | -     | -             | -             | -             | -               | -
		rev=canary          | rev-namespace | rev-namespace | -     | rev-namespace | rev-namespace | rev-namespace | rev-namespace   | -
	`},
	"the first installation with namespaces enabled by default": {"sidecarInjectorWebhook: {enableNamespacesByDefault: true}", `
		                    | none          | true          | false | yes           | rev=default   | rev=canary
		none                | auto          | object        | -     | -             | rev-object    | -
		enabled             | namespace     | namespace     | -     | namespace     | namespace     | namespace
		disabled            | -             | -             | -     | -             | -             | -
		rev=default         | rev-namespace | rev-namespace | -     | rev-namespace | rev-namespace | rev-namespace
		rev=canary          | -             | -             | -     | -             | -             | -
	`},
	"the revision canary, where enabling namespaces by default has no effect": {
		"{revision: canary, sidecarInjectorWebhook: {enableNamespacesByDefault: true}}", `
		                    | none          | true          | rev=canary
		none                | -             | -             | rev-object
		rev=canary          | rev-namespace | rev-namespace | rev-namespace
	`},
}

// The same for tags: who calls by the tag's own configuration.
var tagTables = map[string]struct{ values, tag, table string }{
	"a tag of the first installation": {"revisionTags: [prod]", "prod", `
		                    | none          | true          | false | yes           | rev=default   | rev=prod      | true rev=prod | false rev=prod
		none                | -             | -             | -     | -             | -             | rev-object    | rev-object    | -
		enabled             | -             | -             | -     | -             | -             | -             | -             | -
		enabled rev=prod    | -             | -             | -     | -             | -             | -             | -             | -
		disabled            | -             | -             | -     | -             | -             | -             | -             | -
		disabled rev=prod   | -             | -             | -     | -             | -             | -             | -             | -
		rev=default         | -             | -             | -     | -             | -             | -             | -             | -
		rev=prod            | rev-namespace | rev-namespace | -     | rev-namespace | rev-namespace | rev-namespace | rev-namespace | -
	`},
	"a tag of a revision": {"{revision: canary, revisionTags: [prod, default]}", "prod", `
		                    | none          | true          | rev=canary    | rev=prod      | false rev=prod
		none                | -             | -             | -             | rev-object    | -
		enabled             | -             | -             | -             | -             | -
		rev=canary          | -             | -             | -             | -             | -
		rev=prod            | rev-namespace | rev-namespace | rev-namespace | rev-namespace | -
	`},
	"the tag default of a revision": {"{revision: canary, revisionTags: [prod, default]}", "default", `
		                    | none          | true          | false | yes           | rev=default   | rev=canary    | true rev=default | true rev=canary | false rev=default
		none                | -             | object        | -     | -             | rev-object    | -             | rev-object       | -               | -
		enabled             | namespace     | namespace     | -     | namespace     | namespace     | namespace     | namespace        | namespace       | -
		enabled rev=canary  | namespace     | namespace     | -     | namespace     | namespace     | namespace     | namespace        | namespace       | -
		disabled            | -             | -             | -     | -             | -             | -             | -                | -               | -
		rev=default         | rev-namespace | rev-namespace | -     | rev-namespace | rev-namespace | rev-namespace | rev-namespace    | rev-namespace   | -
		rev=canary          | -             | -             | -     | -             | -             | -             | -                | -               | -
	`},
	"the tag default with namespaces enabled by default": {
		"{revision: canary, revisionTags: [default], sidecarInjectorWebhook: {enableNamespacesByDefault: true}}", "default", `
		                    | none          | true          | false | yes           | rev=default
		none                | auto          | object        | -     | -             | rev-object
		enabled             | namespace     | namespace     | -     | namespace     | namespace
		disabled            | -             | -             | -     | -             | -
	`},
}

func TestSelectors(t *testing.T) {
	for name, tc := range tables {
		t.Run(name, func(t *testing.T) {
			wantCallers(t, only[*admissionv1.MutatingWebhookConfiguration](t, tc.values).Webhooks, tc.table)
		})
	}
}

func TestSelectorsOfTags(t *testing.T) {
	for name, tc := range tagTables {
		t.Run(name, func(t *testing.T) { wantCallers(t, tagged(t, tc.values, tc.tag).Webhooks, tc.table) })
	}
}

// tagged is the webhook configuration of a tag.
func tagged(t *testing.T, values, tag string) *admissionv1.MutatingWebhookConfiguration {
	t.Helper()
	for _, c := range every[*admissionv1.MutatingWebhookConfiguration](t, values) {
		if c.Name == "outrigger-tag-"+tag {
			return c
		}
	}
	t.Fatalf("%s: there is no configuration for the tag %s", values, tag)
	return nil
}

// A tag is another name for its revision: it calls the same server in the same way,
// which keeps its CA bundle, too.
func TestTagsCallTheServerOfTheirRevision(t *testing.T) {
	const values = "{revision: canary, revisionTags: [prod]}"
	tag := tagged(t, values, "prod")
	if _, ok := tag.Labels["istio.io/rev"]; ok {
		t.Error("has the label istio.io/rev: an istiod would write its CA bundle into it")
	}
	for _, c := range every[*admissionv1.MutatingWebhookConfiguration](t, values) {
		if c.Name == tag.Name {
			continue
		}
		for i := range tag.Webhooks {
			own := c.Webhooks[i]
			own.NamespaceSelector, own.ObjectSelector = tag.Webhooks[i].NamespaceSelector, tag.Webhooks[i].ObjectSelector
			if diff := cmp.Diff(own, tag.Webhooks[i]); diff != "" {
				t.Errorf("entry %d, but for the selectors (-revision +tag):\n%s", i, diff)
			}
		}
	}
	args := only[*appsv1.Deployment](t, values).Spec.Template.Spec.Containers[0].Args
	for _, want := range []string{"--webhook-configuration=outrigger-injector-canary", "--webhook-configuration=outrigger-tag-prod"} {
		if !slices.Contains(args, want) {
			t.Errorf("the server is not started with %s", want)
		}
	}
}

// wantCallers wants a table to be true of entries.
func wantCallers(t *testing.T, entries []admissionv1.MutatingWebhook, table string) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(table), "\n")
	pods := cells(lines[0])[1:]
	for _, line := range lines[1:] {
		row := cells(line)
		for i, pod := range pods {
			want := row[i+1]
			got := callers(t, entries, shorthand(row[0], "istio-injection", "kubernetes.io/metadata.name=shop"),
				shorthand(pod, "sidecar.istio.io/inject", "app.kubernetes.io/name=shop"))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("namespace %q, pod %q (-want +got):\n%s", row[0], pod, diff)
			}
		}
	}
}

// Whatever the values, nobody calls for these: the cluster could not get up
// without an injector, nor the injector without itself.
func TestExclusionsHoldUnderAllValues(t *testing.T) {
	namespaces := []string{"kube-system", "kube-public", "kube-node-lease", "outrigger-system"}
	on := map[string]bool{}
	for _, revision := range []string{"", "default", "canary"} {
		for _, auto := range []bool{false, true} {
			for _, rest := range []string{
				"",
				"webhook: {url: 'https://10.0.0.5:9443'}",
				"certificates: {mode: existingSecret, existingSecret: {name: tls}}",
				"global: {proxy: {autoInject: disabled}}",
				"podLabels: {app.kubernetes.io/name: other}",
				"revisionTags: [prod]",
			} {
				values := fmt.Sprintf("revision: %q\nsidecarInjectorWebhook: {enableNamespacesByDefault: %v}\n%s", revision, auto, rest)
				var entries []admissionv1.MutatingWebhook
				for _, c := range every[*admissionv1.MutatingWebhookConfiguration](t, values) {
					entries = append(entries, c.Webhooks...)
				}
				for _, ns := range []string{"none", "enabled", "rev=default", "rev=canary", "rev=prod", "enabled rev=canary"} {
					for _, pod := range []string{"none", "true", "rev=default", "rev=canary", "true rev=canary"} {
						for _, excluded := range namespaces {
							got := callers(t, entries, shorthand(ns, "istio-injection", "kubernetes.io/metadata.name="+excluded),
								shorthand(pod, "sidecar.istio.io/inject", ""))
							if got != "-" {
								t.Errorf("%s\n%s calls for namespace %s (%s), pod %s", values, got, excluded, ns, pod)
							}
						}
						own := callers(t, entries, shorthand(ns, "istio-injection", "kubernetes.io/metadata.name=shop"),
							shorthand(pod, "sidecar.istio.io/inject", "app.kubernetes.io/name=outrigger-injector"))
						if own != "-" {
							t.Errorf("%s\n%s calls for a pod of the injector's, namespace %s, pod %s", values, own, ns, pod)
						}
						other := callers(t, entries, shorthand(ns, "istio-injection", "kubernetes.io/metadata.name=shop"),
							shorthand(pod, "sidecar.istio.io/inject", ""))
						on[other] = true
					}
				}
			}
		}
	}
	for _, entry := range []string{"rev-namespace", "rev-object", "namespace", "object", "auto"} {
		if !on[entry] {
			t.Errorf("%s calls for nobody at all: this test proves nothing about it", entry)
		}
	}
}

func cells(line string) []string {
	parts := strings.Split(line, "|")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return parts
}

// shorthand reads "true rev=canary" and the like; more is one more label, or "".
func shorthand(text, key, more string) labels.Set {
	set := labels.Set{}
	for _, word := range append(strings.Fields(text), strings.Fields(more)...) {
		name, value, found := strings.Cut(word, "=")
		switch {
		case word == "none":
		case !found:
			set[key] = word
		case name == "rev":
			set["istio.io/rev"] = value
		default:
			set[name] = value
		}
	}
	return set
}

// callers are the first words of the names of the entries that match, as the API
// server matches them.
func callers(t *testing.T, entries []admissionv1.MutatingWebhook, namespace, pod labels.Set) string {
	t.Helper()
	var names []string
	for _, entry := range entries {
		if matches(t, entry.NamespaceSelector, namespace) && matches(t, entry.ObjectSelector, pod) {
			name, _ := strings.CutSuffix(entry.Name, ".injector.outrigger.dev")
			names = append(names, name)
		}
	}
	if names == nil {
		return "-"
	}
	return strings.Join(names, " and ")
}

func matches(t *testing.T, selector *metav1.LabelSelector, set labels.Set) bool {
	t.Helper()
	s, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil {
		t.Fatal(err)
	}
	return s.Matches(set)
}
