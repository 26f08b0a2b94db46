package main

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"outrigger.dev/outrigger/inject"
	"outrigger.dev/outrigger/internal/manifest"
)

// The cells that the selectors come to: "x" where the API server calls. A row
// is a namespace's labels, a column a pod's.
const (
	calledByDefault = `
		-    inject=true inject=false inject=other rev=default rev=canary inject=true,rev=default inject=true,rev=canary
		-                                     .    x           .            .            x           .          x                       .
		istio-injection=enabled               x    x           .            x            x           x          x                       x
		istio-injection=enabled,rev=canary    x    x           .            x            x           x          x                       x
		istio-injection=disabled              .    .           .            .            .           .          .                       .
		istio-injection=disabled,rev=default  .    .           .            .            .           .          .                       .
		rev=default                           x    x           .            x            x           x          x                       x
		rev=canary                            .    .           .            .            .           .          .                       .`
	calledByCanary = `
		-    inject=true inject=false rev=default rev=canary inject=true,rev=canary inject=false,rev=canary
		-                                     .    .           .            .           x          x                      .
		istio-injection=enabled               .    .           .            .           .          .                      .
		istio-injection=disabled,rev=canary   .    .           .            .           .          .                      .
		rev=default                           .    .           .            .           .          .                      .
		rev=canary                            x    x           .            x           x          x                      .`
)

func TestNotCalled(t *testing.T) {
	for revision, table := range map[string]string{"default": calledByDefault, "canary": calledByCanary} {
		rows := strings.Split(strings.TrimSpace(table), "\n")
		pods := strings.Fields(rows[0])
		for _, row := range rows[1:] {
			cells := strings.Fields(row)
			ns := inject.Namespace{Name: "shop", Labels: labelSet(t, cells[0])}
			for i, cell := range cells[1:] {
				why, err := notCalled(ns, labelSet(t, pods[i]), revision)
				if err != nil {
					t.Fatal(err)
				}
				if called := why == ""; called != (cell == "x") {
					t.Errorf("revision %s, namespace %s, pod %s: called %t (%s)", revision, cells[0], pods[i], called, why)
				}
			}
		}
	}
}

// TestNotCalledAsTheChartHasIt holds the selectors here against those of the
// chart, over everything that they look at.
func TestNotCalledAsTheChartHasIt(t *testing.T) {
	for revision, golden := range map[string]string{"default": "default.txtar", "canary": "revision.txtar"} {
		hooks := webhooks(t, filepath.Join("../../charts/testdata", golden))
		for _, name := range []string{"shop", "kube-system", "kube-public", "kube-node-lease", "outrigger-system"} {
			for _, namespace := range labelSets(inject.NamespaceLabel, "enabled", inject.RevisionLabel, revision) {
				for _, pod := range labelSets(inject.InjectKey, "true", inject.RevisionLabel, revision) {
					want := slices.ContainsFunc(hooks, func(hook admissionv1.MutatingWebhook) bool {
						named := labels.Merge(namespace, labels.Set{"kubernetes.io/metadata.name": name})
						return matches(t, hook.NamespaceSelector, named) && matches(t, hook.ObjectSelector, pod)
					})
					why, err := notCalled(inject.Namespace{Name: name, Labels: namespace}, pod, revision)
					if called := why == ""; called != want || err != nil {
						t.Errorf("revision %s, namespace %s %v, pod %v: called %t, %v, the chart has %t", revision, name, namespace, pod, called, err, want)
					}
				}
			}
		}
	}
}

// labelSets are all sets of two labels that are absent, as given or something else.
func labelSets(one, oneValue, two, twoValue string) []labels.Set {
	var sets []labels.Set
	for _, a := range []string{"-", oneValue, "false", "other", ""} {
		for _, b := range []string{"-", twoValue, "other", ""} {
			set := labels.Set{}
			if a != "-" {
				set[one] = a
			}
			if b != "-" {
				set[two] = b
			}
			sets = append(sets, set)
		}
	}
	return append(sets, labels.Set{"app.kubernetes.io/name": "outrigger-injector", one: oneValue})
}

// webhooks are the entries in one of the chart's own golden files.
func webhooks(t *testing.T, golden string) []admissionv1.MutatingWebhook {
	t.Helper()
	archive, err := txtar.ParseFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range archive.Files {
		for _, d := range manifest.Read(f.Name, f.Data) {
			var config admissionv1.MutatingWebhookConfiguration
			if d.JSON != nil && json.Unmarshal(d.JSON, &config) == nil && config.Kind == "MutatingWebhookConfiguration" {
				return config.Webhooks
			}
		}
	}
	t.Fatalf("%s: no MutatingWebhookConfiguration in it", golden)
	return nil
}

func matches(t *testing.T, selector *metav1.LabelSelector, set labels.Set) bool {
	t.Helper()
	s, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil {
		t.Fatal(err)
	}
	return s.Matches(set)
}

func TestNotCalledSaysWhy(t *testing.T) {
	cases := map[string]struct {
		namespace, revision, want string
		labels                    string
	}{
		"no label":       {"shop", "default", `namespace "shop" is not labelled istio-injection=enabled`, "-"},
		"disabled":       {"shop", "default", `namespace "shop" is labelled istio-injection=disabled, not istio-injection=enabled`, "istio-injection=disabled"},
		"other revision": {"shop", "canary", `namespace "shop" is labelled istio.io/rev=old, not istio.io/rev=canary`, "rev=old"},
		"both labels": {
			"shop", "canary",
			`namespace "shop" is labelled istio-injection=enabled and istio.io/rev=canary, not istio.io/rev=canary alone`,
			"istio-injection=enabled,rev=canary",
		},
		"a system namespace": {"kube-system", "default", `namespace "kube-system" is never injected`, "istio-injection=enabled"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := notCalled(inject.Namespace{Name: c.namespace, Labels: labelSet(t, c.labels)}, nil, c.revision)
			if err != nil || got != c.want {
				t.Errorf("got %q, %v, want %q", got, err, c.want)
			}
		})
	}
}

// labelSet reads "inject=true,rev=canary", "-" for none, with short keys.
func labelSet(t *testing.T, text string) labels.Set {
	t.Helper()
	if text == "-" {
		return nil
	}
	set, err := labels.ConvertSelectorToLabelsMap(text)
	if err != nil {
		t.Fatal(err)
	}
	for short, key := range map[string]string{"inject": inject.InjectKey, "rev": inject.RevisionLabel} {
		if value, ok := set[short]; ok {
			delete(set, short)
			set[key] = value
		}
	}
	return set
}
