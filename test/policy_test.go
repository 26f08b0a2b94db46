package test

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"outrigger.dev/outrigger/inject"
)

// conditionsPath is made here from the rules of Decide, for the chart's policies.
const conditionsPath = "../charts/outrigger/templates/_conditions.tpl"

const conditionsIntro = `{{/*
Generated: go test ./test -run TestConditions -update

What the server decides by, in the API server's language.
*/}}
`

func TestConditions(t *testing.T) {
	text := conditionsIntro
	for _, d := range []struct{ about, name, text string }{
		{"Why a pod should have a sidecar, or \"\".", "due", inject.Due()},
		{"Whether it has one.", "injected", inject.InjectedCondition},
		{"Whether nobody has allowed that it has none.", "notAllowed", inject.NotAllowedCondition},
	} {
		text += "\n{{/* " + d.about + " */}}\n{{- define \"outrigger.cel." + d.name + "\" -}}\n" + d.text + "\n{{- end }}\n"
	}
	for _, d := range []struct {
		about, name string
		keys        []string
	}{
		{"Every key that injection or Istio reads.", "known", inject.KnownKeys()},
		{"Istio's annotations that are read on pods alone.", "pod", podAnnotations()},
	} {
		list, err := json.Marshal(d.keys)
		if err != nil {
			t.Fatal(err)
		}
		text += "\n{{/* " + d.about + " */}}\n{{- define \"outrigger.keys." + d.name + "\" -}}\n" + string(list) + "\n{{- end }}\n"
	}
	text += "\n{{- define \"outrigger.allowMissing\" -}}\n" + inject.AllowMissingAnnotation + "\n{{- end }}\n"
	if *update {
		if err := os.WriteFile(conditionsPath, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(conditionsPath)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), text); diff != "" {
		t.Errorf("%s is stale, run: go test ./test -run TestConditions -update\n-file +now\n%s", conditionsPath, diff)
	}
}

// Every rule has its condition, in its place, but for the one that the chart cannot
// bring about.
func TestEveryRuleHasACondition(t *testing.T) {
	var want, got []inject.Reason
	for _, step := range (example{pod: `{}`}).decide(t).Trace {
		if step.Rule != inject.OwnerKind && !slices.Contains(want, step.Rule) {
			want = append(want, step.Rule)
		}
	}
	for _, c := range inject.Conditions() {
		got = append(got, c.Reason)
		if c.Skip == "" && c.Inject == "" {
			t.Errorf("%s: a condition that decides nothing", c.Reason)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("conditions (-rules +conditions):\n%s", diff)
	}
}

// podAnnotations are Istio's annotations of pods, but for the one that a policy has a
// sentence of its own for.
func podAnnotations() (names []string) {
	for _, k := range inject.Keys() {
		prefix, _, _ := strings.Cut(k.Name, "/")
		if slices.Contains(k.On, inject.OnPodAnnotation) && strings.HasSuffix(prefix, "istio.io") && k.Name != inject.InjectKey {
			names = append(names, k.Name)
		}
	}
	return names
}
