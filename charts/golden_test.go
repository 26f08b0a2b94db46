package charts_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"

	"outrigger.dev/outrigger/charts"
)

// Each file in testdata says in its first lines what it shows, and has the
// sections values.yaml, want.yaml and want.notes. A new file is a new case.
func TestRender(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("testdata/*.txtar: %d files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			section := map[string]string{}
			for _, f := range archive.Files {
				section[f.Name] = string(f.Data)
			}
			manifests, notes, err := render(t, section["values.yaml"])
			if err != nil {
				t.Fatal(err)
			}
			objects(t, section["values.yaml"])
			if *update {
				archive.Files = []txtar.File{
					{Name: "values.yaml", Data: []byte(section["values.yaml"])},
					{Name: "want.notes", Data: []byte(notes + "\n")},
					{Name: "want.yaml", Data: []byte(manifests)},
				}
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(section["want.yaml"], manifests); diff != "" {
				t.Errorf("manifests (-want +got); go test ./charts -update writes them:\n%s", diff)
			}
			if diff := cmp.Diff(section["want.notes"], notes+"\n"); diff != "" {
				t.Errorf("notes (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDefaultIsWhatTheChartGivesWithoutValues(t *testing.T) {
	var data map[string]string
	for _, object := range objects(t, "") {
		if c, ok := object.(*corev1.ConfigMap); ok && c.Name == "outrigger" {
			data = c.Data
		}
	}
	if *update {
		for name, key := range map[string]string{"config.yaml": "config", "values.json": "values", "mesh.yaml": "mesh"} {
			if err := os.WriteFile(filepath.Join("default", name), []byte(data[key]), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		return
	}
	config, values, mesh := charts.Default()
	got := map[string]string{"config": string(config), "values": string(values), "mesh": string(mesh)}
	if diff := cmp.Diff(data, got); diff != "" {
		t.Errorf("folder default (-chart +default); go test ./charts -update writes it:\n%s", diff)
	}
}

// What the command line has to say without a cluster about who is called is what the
// chart has: with REVISION in its place for every revision but the default one.
func TestDefaultWebhooksAreWhatTheChartGives(t *testing.T) {
	for file, values := range map[string]string{
		"webhooks.yaml": "", "webhooks-revision.yaml": "{revision: " + charts.RevisionPlaceholder + "}",
	} {
		rendered := []byte(yamlOf(t, only[*admissionv1.MutatingWebhookConfiguration](t, values)))
		if *update {
			if err := os.WriteFile(filepath.Join("default", file), rendered, 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		have, err := os.ReadFile(filepath.Join("default", file))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(rendered), string(have)); diff != "" {
			t.Errorf("default/%s (-chart +default); go test ./charts -update writes it:\n%s", file, diff)
		}
	}
}
