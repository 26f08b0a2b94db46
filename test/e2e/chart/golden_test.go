package chart_test

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	"sigs.k8s.io/yaml"
)

// Every golden of the chart is taken by the API server with no field too many and no
// warning, and what is stored is what was sent: nothing is filled in that a tool would
// see as a difference. Then it goes again.
func TestGoldensAreTakenAsTheyAre(t *testing.T) {
	files, err := filepath.Glob("../../../charts/testdata/*.txtar")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d goldens, %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txtar")
		t.Run(name, func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			manifests := ""
			for _, f := range archive.Files {
				if f.Name == "want.yaml" {
					manifests = string(f.Data)
				}
			}
			if !slices.Contains(helmTested, name) {
				manifests = withoutHooks(manifests)
			}
			if name == "profile-empty" {
				if manifests != "" {
					t.Errorf("the profile empty is not:\n%s", manifests)
				}
				return
			}
			t.Cleanup(func() { wantNothingLeft(t) })
			said, err := kubectlOn(t, manifests, "apply", "--validate=strict")
			if err != nil {
				t.Fatalf("%v\n%s", err, said)
			}
			t.Cleanup(func() {
				if out, err := kubectlOn(t, manifests, "delete", "--wait"); err != nil {
					t.Errorf("%v\n%s", err, out)
				}
			})
			if warned := strings.Contains(said, "Warning: "); warned != (name == "host-network") {
				t.Errorf("warned: %t\n%s", warned, said)
			}
			wantNoDiff(t, manifests, byClient)
			wantStored(t, manifests)
		})
	}
}

// helmTested are goldens that differ in what "helm test" makes. A namespace is among that,
// which takes its time to go, so that the others are applied without it.
var helmTested = []string{"default", "cert-manager", "monitoring"}

// withoutHooks leaves out what Helm keeps out of an installation.
func withoutHooks(manifests string) string {
	all := strings.Split(manifests, "---\n")
	return strings.Join(slices.DeleteFunc(all, func(document string) bool { return strings.Contains(document, "\n    helm.sh/hook: ") }), "---\n")
}

// wantStored wants webhook configurations to be stored word for word.
func wantStored(t *testing.T, manifests string) {
	t.Helper()
	for document := range strings.SplitSeq(manifests, "---\n") {
		var want, got admissionv1.MutatingWebhookConfiguration
		if err := yaml.Unmarshal([]byte(document), &want); err != nil {
			t.Fatal(err)
		}
		if want.Kind != "MutatingWebhookConfiguration" {
			continue
		}
		stored := kubectl(t, "get", "mutatingwebhookconfiguration", want.Name, "-o", "json")
		if err := json.Unmarshal([]byte(stored), &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want.Webhooks, got.Webhooks); diff != "" {
			t.Errorf("%s (-rendered +stored):\n%s", want.Name, diff)
		}
	}
}
