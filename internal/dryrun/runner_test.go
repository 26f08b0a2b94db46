package dryrun_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"outrigger.dev/outrigger/charts"
	"outrigger.dev/outrigger/inject"
	"outrigger.dev/outrigger/internal/dryrun"
)

// newRunner answers by the default profile. What it looks up is in objects: YAML
// documents of Namespaces, webhook configurations, LimitRanges and ResourceQuotas;
// where there are none, there is no cluster.
func newRunner(t testing.TB, objects string) *dryrun.Runner {
	t.Helper()
	var sources inject.Sources
	sources.Config, sources.Values, sources.Mesh = charts.Default()
	injector, err := inject.New(sources, inject.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	return &dryrun.Runner{
		Source: func() dryrun.Source {
			return dryrun.Source{Injector: injector, Sources: sources, From: "the default profile"}
		},
		ChartWebhooks: dryrun.ChartWebhooks,
		Supported:     func(version string) inject.Native { return inject.Native{Supported: version >= "1.33", Why: "asked"} },
		Cluster:       clusterOf(t, objects),
	}
}

func clusterOf(t testing.TB, objects string) dryrun.Cluster {
	t.Helper()
	if strings.TrimSpace(objects) == "" {
		return dryrun.Cluster{}
	}
	var (
		namespaces = map[string]inject.Namespace{}
		webhooks   []admissionv1.MutatingWebhookConfiguration
		ranges     []corev1.LimitRange
		quotas     []corev1.ResourceQuota
	)
	for document := range strings.SplitSeq(objects, "---\n") {
		var head struct{ Kind string }
		read := func(into any) {
			if err := yaml.UnmarshalStrict([]byte(document), into); err != nil {
				t.Fatalf("%v in\n%s", err, document)
			}
		}
		if err := yaml.Unmarshal([]byte(document), &head); err != nil {
			t.Fatal(err)
		}
		switch head.Kind {
		case "Namespace":
			var ns corev1.Namespace
			read(&ns)
			namespaces[ns.Name] = inject.Namespace{Name: ns.Name, Labels: ns.Labels, Annotations: ns.Annotations}
		case "MutatingWebhookConfiguration":
			webhooks = append(webhooks, admissionv1.MutatingWebhookConfiguration{})
			read(&webhooks[len(webhooks)-1])
		case "LimitRange":
			ranges = append(ranges, corev1.LimitRange{})
			read(&ranges[len(ranges)-1])
		case "ResourceQuota":
			quotas = append(quotas, corev1.ResourceQuota{})
			read(&quotas[len(quotas)-1])
		default:
			t.Fatalf("kind %q in\n%s", head.Kind, document)
		}
	}
	if len(webhooks) == 0 {
		chart, err := dryrun.ChartWebhooks("default")
		if err != nil {
			t.Fatal(err)
		}
		webhooks = append(webhooks, chart)
	}
	return dryrun.Cluster{
		Namespace: func(_ context.Context, name string) (inject.Namespace, error) {
			if ns, ok := namespaces[name]; ok {
				return ns, nil
			}
			return inject.Namespace{}, dryrun.ErrNoNamespace
		},
		Webhooks:    func(context.Context) ([]admissionv1.MutatingWebhookConfiguration, error) { return webhooks, nil },
		LimitRanges: func(context.Context, string) ([]corev1.LimitRange, error) { return ranges, nil },
		Quotas:      func(context.Context, string) ([]corev1.ResourceQuota, error) { return quotas, nil },
		Native:      inject.Native{Supported: true, Why: "every node is 1.33 or newer"}.Everywhere,
	}
}

// hashes are of the configuration, which changes with the chart.
var hashes = regexp.MustCompile(`\b[0-9a-f]{12}\b`)

// Each file of testdata is one question: the cluster's objects in cluster.yaml, the
// body in question.yaml, and what is answered in text, without the diff.
func TestAnswer(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
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
			got := ask(t, newRunner(t, section["cluster.yaml"]), section["question.yaml"])
			got = hashes.ReplaceAllString(got, "HASH")
			if *update {
				archive.Files = slices.DeleteFunc(archive.Files, func(f txtar.File) bool { return f.Name == "want.txt" })
				archive.Files = append(archive.Files, txtar.File{Name: "want.txt", Data: []byte(got)})
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(section["want.txt"], got); diff != "" {
				t.Errorf("(-want +got), go test ./internal/dryrun -run TestAnswer -update:\n%s", diff)
			}
		})
	}
}

// ask is the answer's text, without diffs, or what is wrong with the question.
func ask(t *testing.T, runner *dryrun.Runner, body string) string {
	t.Helper()
	question, err := dryrun.ReadQuestion([]byte(body))
	if err != nil {
		return err.Error() + "\n"
	}
	answer, err := runner.Answer(t.Context(), question)
	var faults *dryrun.Faults
	if errors.As(err, &faults) {
		return http.StatusText(faults.Code) + "\n" + faults.Error() + "\n"
	}
	if err != nil {
		t.Fatal(err)
	}
	for i := range answer.Pods {
		answer.Pods[i].Diff = ""
	}
	return answer.Text()
}
