package test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/yaml"

	"outrigger.dev/outrigger/charts"
	"outrigger.dev/outrigger/inject"
)

var update = flag.Bool("update", false, "write the generated documentation")

// decisionPage is made here from what decides: the chart's selectors, and Inject.
const decisionPage = "../docs/decision.md"

const decisionIntro = `# How it is decided whether a pod gets a sidecar

<!-- Generated: go test ./test -run TestDecisionPage -update -->

Two ask, one after the other. The API server looks at labels and calls Outrigger
or does not; Outrigger looks at the rest. A pod is injected when both say so.

## First, the API server: labels of the namespace and of the pod

In a cell is the entry of the webhook configuration by which Outrigger is called
(` + "`namespace`" + ` stands for ` + "`namespace.injector.outrigger.dev`" + `), or – where it is not called at all.
The pod then is as its author wrote it, and no log tells of it.

The namespaces kube-system, kube-public, kube-node-lease and the release's own are
never looked at, whatever their labels. Nor, unless a value under webhook.exclude says so, are
pods that would be skipped as host-network, mirror-pod, windows or pod-annotation.
`

const decisionMiddle = `
## Then, Outrigger: the first rule with an opinion decides

The word in the first column is the same in the server's log, in its metrics and
in the audit log (` + "`reason`" + `). The sentence is what Outrigger said about just that pod.

`

func TestDecisionPage(t *testing.T) {
	var page bytes.Buffer
	page.WriteString(decisionIntro)
	fmt.Fprintf(&page, "\n### The first installation\n\n%s", selectorTable(t, "default"))
	fmt.Fprintf(&page, "\n### A second one, with `revision=canary`\n\n%s", selectorTable(t, "revision"))
	page.WriteString(decisionMiddle)
	page.WriteString(ruleTable(t))
	if *update {
		if err := os.WriteFile(decisionPage, page.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(decisionPage)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), page.String()); diff != "" {
		t.Errorf("%s is stale, run: go test ./test -run TestDecisionPage -update\n-page +now\n%s", decisionPage, diff)
	}
}

// The labels that the tables go through, as a person would write them.
var (
	namespaceLabels = []string{"", "istio-injection=enabled", "istio-injection=disabled", "istio.io/rev=default",
		"istio.io/rev=canary", "istio-injection=enabled,istio.io/rev=canary"}
	podLabels = []string{"", "sidecar.istio.io/inject=true", "sidecar.istio.io/inject=false", "sidecar.istio.io/inject=yes",
		"istio.io/rev=default", "istio.io/rev=canary", "sidecar.istio.io/inject=true,istio.io/rev=canary"}
)

// selectorTable evaluates the webhook configuration that the chart renders in
// one of its golden cases.
func selectorTable(t *testing.T, golden string) string {
	t.Helper()
	webhooks := renderedWebhooks(t, golden)
	var b strings.Builder
	row := func(cells []string) { fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | ")) }
	header := []string{"namespace ↓ pod →"}
	for _, p := range podLabels {
		header = append(header, shown(p))
	}
	row(header)
	row(slices.Repeat([]string{"---"}, len(header)))
	for _, ns := range namespaceLabels {
		cells := []string{shown(ns)}
		for _, p := range podLabels {
			cells = append(cells, called(t, webhooks, ns, p))
		}
		row(cells)
	}
	return b.String()
}

// shown is a list of labels as the page has it.
func shown(set string) string {
	if set == "" {
		return "no label"
	}
	return "`" + strings.ReplaceAll(set, ",", "` `") + "`"
}

// renderedWebhooks reads the webhook configuration out of a golden file.
func renderedWebhooks(t *testing.T, golden string) []admissionregistrationv1.MutatingWebhook {
	t.Helper()
	archive, err := txtar.ParseFile("../charts/testdata/" + golden + ".txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range archive.Files {
		for document := range strings.SplitSeq(string(file.Data), "---\n") {
			var c admissionregistrationv1.MutatingWebhookConfiguration
			if yaml.Unmarshal([]byte(document), &c) == nil && c.Kind == "MutatingWebhookConfiguration" {
				return c.Webhooks
			}
		}
	}
	t.Fatalf("%s: no MutatingWebhookConfiguration", golden)
	return nil
}

// called is the name of the entry that selects a namespace and a pod. There is
// never more than one: a pod that two select would be injected twice.
func called(t *testing.T, webhooks []admissionregistrationv1.MutatingWebhook, ns, pod string) string {
	t.Helper()
	var by []string
	for _, w := range webhooks {
		if selects(t, w.NamespaceSelector, ns+",kubernetes.io/metadata.name=shop") && selects(t, w.ObjectSelector, pod) {
			by = append(by, strings.TrimSuffix(w.Name, ".injector.outrigger.dev"))
		}
	}
	switch len(by) {
	case 0:
		return "–"
	case 1:
		return "**" + by[0] + "**"
	}
	t.Errorf("namespace %q, pod %q: called by %q, want one entry at most", ns, pod, by)
	return ""
}

func selects(t *testing.T, selector *metav1.LabelSelector, set string) bool {
	t.Helper()
	s, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil {
		t.Fatal(err)
	}
	set = strings.Trim(set, ",")
	if set == "" {
		return s.Matches(labels.Set{})
	}
	l, err := labels.ConvertSelectorToLabelsMap(set)
	if err != nil {
		t.Fatal(err)
	}
	return s.Matches(l)
}

// An example is a pod about which one rule decides.
type example struct {
	// when says what the pod is like.
	when string
	pod  string
	// namespace is its name, "shop" where empty; not enabled where plain is set.
	namespace string
	plain     bool
	// config is added to the default profile's.
	config string
}

// examples has a pod for every rule, in the order in which they are looked at,
// and then for every way in which a pod that is to be injected is denied.
var examples = []example{
	{when: "the pod uses the host's network", pod: `{spec: {hostNetwork: true}}`},
	{when: "the namespace belongs to the system", pod: `{}`, namespace: "kube-system"},
	{when: "the pod mirrors a static pod", pod: `{metadata: {annotations: {kubernetes.io/config.mirror: x}}}`},
	{when: "the pod runs on Windows", pod: `{spec: {os: {name: windows}}}`},
	{when: "the pod's label says no", pod: `{metadata: {labels: {sidecar.istio.io/inject: "false"}}}`},
	{when: "the pod's label says yes", pod: `{metadata: {labels: {sidecar.istio.io/inject: "true"}}}`},
	{when: "the pod's annotation says no", pod: `{metadata: {annotations: {sidecar.istio.io/inject: "false"}}}`},
	{when: "the pod's annotation says yes", pod: `{metadata: {annotations: {sidecar.istio.io/inject: "true"}}}`},
	{when: "the configuration leaves out a kind of workload", pod: `{metadata: {generateName: a-, ownerReferences: [{apiVersion: batch/v1, kind: Job, name: a, uid: "", controller: true}]}}`,
		config: "ownerKinds: [{kind: Job, mode: skip}]"},
	{when: "the namespace is not enabled, though the API server called", pod: `{}`, plain: true},
	{when: "the configuration excludes pods with these labels", pod: `{metadata: {labels: {app: batch}}}`,
		config: "neverInjectSelector: [{matchLabels: {app: batch}}]"},
	{when: "the configuration includes pods with these labels", pod: `{metadata: {labels: {app: web}}}`,
		config: "alwaysInjectSelector: [{matchLabels: {app: web}}]"},
	{when: "nothing speaks for or against, policy enabled", pod: `{}`},
	{when: "nothing speaks for or against, policy disabled", pod: `{}`, config: "policy: disabled"},
	{when: "the pod asks for a template that there is not", pod: `{metadata: {annotations: {inject.istio.io/templates: nosuch}}}`},
	{when: "the pod asks for a template that does not render", pod: `{metadata: {annotations: {inject.istio.io/templates: broken}}}`,
		config: "templates: {broken: \"{{ .NoSuch.Field }}\"}"},
	{when: "an annotation has a bad value", pod: `{metadata: {annotations: {traffic.sidecar.istio.io/includeInboundPorts: "http"}}}`},
	{when: "the pod and the template cannot both be", pod: `{spec: {volumes: [{name: istio-data, secret: {secretName: s}}]}}`},
}

// ruleTable has a row for each example, with what Inject decides about it.
func ruleTable(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("| reason | when | verdict | in words |\n| --- | --- | --- | --- |\n")
	decided := map[inject.Reason]bool{}
	var looked []inject.Step
	for _, e := range examples {
		d := e.decide(t)
		decided[d.Reason] = true
		looked = append(looked, d.Trace...)
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", d.Reason, e.when, d.Verdict, strings.ReplaceAll(d.Sentence, "|", "\\|"))
	}
	for _, step := range looked {
		if !decided[step.Rule] {
			t.Errorf("rule %q: no example on the page", step.Rule)
			decided[step.Rule] = true
		}
	}
	return b.String()
}

// decide puts the example before an injector with the default profile.
func (e example) decide(t *testing.T) inject.Decision {
	t.Helper()
	config, values, mesh := charts.Default()
	var merged map[string]any
	for _, text := range []string{string(config), e.config} {
		if err := yaml.Unmarshal([]byte(text), &merged); err != nil {
			t.Fatal(err)
		}
	}
	config, err := json.Marshal(merged)
	if err != nil {
		t.Fatal(err)
	}
	in, err := inject.New(inject.Sources{Config: config, Values: values, Mesh: mesh}, inject.Settings{})
	if err != nil {
		t.Fatalf("%s: %v", e.when, err)
	}
	ns := inject.Namespace{Name: "shop", Labels: map[string]string{inject.NamespaceLabel: "enabled"}}
	if e.namespace != "" {
		ns.Name = e.namespace
	}
	if e.plain {
		ns.Labels = nil
	}
	result, err := in.Inject(inject.Request{Pod: e.podJSON(t), Namespace: ns, Native: inject.Native{Supported: true}.Everywhere})
	if err != nil {
		t.Fatalf("%s: %v", e.when, err)
	}
	return result.Decision
}

// podJSON is the example's pod, with a container where it has none.
func (e example) podJSON(t *testing.T) []byte {
	t.Helper()
	pod := map[string]any{}
	if err := yaml.Unmarshal([]byte(e.pod), &pod); err != nil {
		t.Fatal(err)
	}
	spec, _ := pod["spec"].(map[string]any)
	if spec == nil {
		spec = map[string]any{}
	}
	spec["containers"] = []any{map[string]any{"name": "app", "image": "app:1"}}
	pod["spec"] = spec
	text, err := json.Marshal(pod)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
