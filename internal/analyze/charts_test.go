package analyze_test

import (
	"fmt"
	"os"
	"path"
	"strings"
	"testing"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"
	"helm.sh/helm/v4/pkg/engine"
)

// The chart that "helm create" makes has no finding, by its own values and by others.
func TestCleanChartOfHelmCreate(t *testing.T) {
	dir, err := chartutil.Create("shop", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	chart, err := loader.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	for what, values := range map[string]map[string]any{
		"as it is":      {},
		"all of it":     {"ingress": map[string]any{"enabled": true}, "podLabels": map[string]any{"team": "shop"}, "podAnnotations": map[string]any{"prometheus.io/scrape": "true"}},
		"many replicas": {"replicaCount": 3, "resources": map[string]any{"requests": map[string]any{"cpu": "100m"}, "limits": map[string]any{"memory": "128Mi"}}},
	} {
		t.Run(what, func(t *testing.T) {
			all, err := util.ToRenderValues(chart, values, common.ReleaseOptions{Name: "shop", Namespace: "shop", IsInstall: true}, common.DefaultCapabilities)
			if err != nil {
				t.Fatal(err)
			}
			rendered, err := engine.Render(chart, all)
			if err != nil {
				t.Fatal(err)
			}
			text := "apiVersion: v1\nkind: Namespace\nmetadata: {name: default, labels: {istio-injection: enabled}}\n"
			for name, manifest := range rendered {
				if path.Ext(name) == ".yaml" && strings.TrimSpace(manifest) != "" {
					text += fmt.Sprintf("---\n%s\n", manifest)
				}
			}
			if !strings.Contains(text, "kind: Deployment") {
				t.Fatalf("no Deployment in it:\n%s", text)
			}
			clean(t, what, []byte(text))
		})
	}
}

// Every manifest of the project's own examples has none either.
func TestCleanExamples(t *testing.T) {
	entries, err := os.ReadDir("../../docs/examples")
	if err != nil {
		t.Fatal(err)
	}
	looked := 0
	for _, entry := range entries {
		text, err := os.ReadFile("../../docs/examples/" + entry.Name())
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "apiVersion: ") { // the others are configurations
			looked++
			clean(t, entry.Name(), text)
		}
	}
	if looked == 0 {
		t.Error("there is no example with manifests")
	}
}
