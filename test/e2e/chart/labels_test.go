package chart_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"outrigger.dev/outrigger/test/e2e/injector"
)

// Whoever applies a manifest with kubectl reads what in it says nothing, and what to
// write instead; what is right is warned of by nobody.
func TestLabelsThatSayNothingAreWarnedOf(t *testing.T) {
	tools := helms["Helm 4"]
	helm(t, tools, "install", release, filepath.Join(tools.Root, "charts", "outrigger"), "--namespace", injector.Namespace,
		"--set", "webhook.url=https://127.0.0.1:1", "--set", "webhook.failurePolicy=Ignore", "--set", "admissionPolicies.labels=true")
	t.Cleanup(func() { helm(t, tools, "uninstall", release, "--namespace", injector.Namespace, "--wait") })
	wantNoTypeFaults(t)
	for _, kind := range []string{"Namespace", "Deployment", "Job", "CronJob"} { // each has a policy of its own
		await(t, "the policy for a "+kind+" is in force", func() bool { return len(warned(t, wrongly[kind])) > 0 })
	}
	for name, c := range map[string]struct {
		manifest string
		want     []string
	}{
		"an enabled namespace":            {namespaced("labels: {istio-injection: enabled}"), nil},
		"a disabled namespace":            {namespaced("labels: {istio-injection: disabled}"), nil},
		"a namespace of a revision":       {namespaced("labels: {istio.io/rev: canary, app: x}"), nil},
		"a namespace without a label":     {namespaced("annotations: {a: b}"), nil},
		"a misspelt value":                {wrongly["Namespace"], []string{"label istio-injection=enable means disabled: did you mean enabled?"}},
		"a value that is none":            {namespaced("labels: {istio-injection: maybe}"), []string{"label istio-injection=maybe means disabled: want enabled or disabled"}},
		"a misspelt label":                {namespaced("labels: {istio.io/injection: enabled}"), []string{"label istio.io/injection is read by nobody: did you mean istio-injection?"}},
		"two labels, one of which counts": {namespaced("labels: {istio-injection: enabled, istio.io/rev: canary}"), []string{"label istio.io/rev=canary is not looked at beside istio-injection=enabled: remove one of the two"}},
		"a pod's label on a namespace":    {namespaced(`labels: {sidecar.istio.io/inject: "true"}`), []string{"sidecar.istio.io/inject belongs on pods, and says nothing on a namespace: want label istio-injection=enabled, or istio.io/rev"}},
		"a label as an annotation":        {namespaced("annotations: {istio-injection: enabled}"), []string{"istio-injection and istio.io/rev are labels of a namespace, and say nothing as annotations"}},

		"a Deployment without a label": {workload("Deployment", "", ""), nil},
		"a Deployment that opts out":   {workload("Deployment", "", `labels: {app: x, sidecar.istio.io/inject: "false"}, annotations: {traffic.sidecar.istio.io/excludeOutboundPorts: "80", example.com/a: b}`), nil},
		"keys of Istio's that others read": {workload("Deployment", "labels: {istio.io/rev: canary}, annotations: {prometheus.io/scrape: 'true'}",
			"labels: {app: x, istio.io/dataplane-mode: none}"), nil},
		"a label on the Deployment":        {wrongly["Deployment"], []string{"sidecar.istio.io/inject on a Deployment says nothing: it belongs on spec.template.metadata.labels"}},
		"an annotation on the StatefulSet": {workload("StatefulSet", `annotations: {sidecar.istio.io/inject: "true"}`, ""), []string{"sidecar.istio.io/inject on a StatefulSet says nothing: it belongs on spec.template.metadata.labels"}},
		"settings on the DaemonSet": {workload("DaemonSet", `annotations: {proxy.istio.io/config: "a: b", sidecar.istio.io/proxyCPU: "1"}`, ""),
			[]string{"annotation proxy.istio.io/config, sidecar.istio.io/proxyCPU on a DaemonSet says nothing: it belongs on spec.template.metadata.annotations"}},
		"a value that says nothing":   {workload("Deployment", "", `labels: {app: x, sidecar.istio.io/inject: "yes"}`), []string{"label sidecar.istio.io/inject=yes on spec.template says nothing: want true or false"}},
		"a key in the wrong case":     {workload("Deployment", "", `annotations: {sidecar.istio.io/proxycpu: "1"}, labels: {app: x}`), []string{"sidecar.istio.io/proxycpu on spec.template is unknown and has no effect: did you mean sidecar.istio.io/proxyCPU?"}},
		"a key that nobody reads":     {workload("Deployment", "", `annotations: {sidecar.istio.io/nonsense: "1"}, labels: {app: x}`), []string{"sidecar.istio.io/nonsense on spec.template is unknown and has no effect: outrigger annotations lists those that have one"}},
		"a label on the Job":          {wrongly["Job"], []string{"sidecar.istio.io/inject on a Job says nothing: it belongs on spec.template.metadata.labels"}},
		"a label on the CronJob":      {wrongly["CronJob"], []string{"sidecar.istio.io/inject on a CronJob says nothing: it belongs on spec.jobTemplate.spec.template.metadata.labels"}},
		"a CronJob whose pods say no": {workload("CronJob", "", `labels: {app: x, sidecar.istio.io/inject: "false"}`), nil},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, warned(t, c.manifest)); diff != "" {
				t.Errorf("warnings (-want +got):\n%s\nof\n%s", diff, c.manifest)
			}
		})
	}
}

// wrongly is a manifest of each kind that is warned of.
var wrongly = map[string]string{
	"Namespace":  namespaced("labels: {istio-injection: enable}"),
	"Deployment": workload("Deployment", `labels: {sidecar.istio.io/inject: "false"}`, ""),
	"Job":        workload("Job", `labels: {sidecar.istio.io/inject: "false"}`, ""),
	"CronJob":    workload("CronJob", `labels: {sidecar.istio.io/inject: "false"}`, ""),
}

// namespaced is a namespace with some metadata.
func namespaced(metadata string) string {
	return fmt.Sprintf("apiVersion: v1\nkind: Namespace\nmetadata: {name: warned, %s}\n", metadata)
}

// workload is one of its kind with some metadata, of its own and of its pods.
func workload(kind, own, pods string) string {
	if pods == "" {
		pods = "labels: {app: x}"
	}
	template := fmt.Sprintf("template: {metadata: {%s}, spec: {restartPolicy: %s, containers: [{name: app, image: 'example.com/app:1'}]}}",
		pods, map[bool]string{true: "Never", false: "Always"}[strings.HasSuffix(kind, "Job")])
	version, spec := "apps/v1", "selector: {matchLabels: {app: x}}, "+template
	switch kind {
	case "Job":
		version, spec = "batch/v1", template
	case "CronJob":
		version, spec = "batch/v1", "schedule: '0 0 * * *', jobTemplate: {spec: {"+template+"}}"
	}
	return fmt.Sprintf("apiVersion: %s\nkind: %s\nmetadata: {name: warned, namespace: default, %s}\nspec: {%s}\n", version, kind, own, spec)
}

// warned is what kubectl shows of the warnings of our policies. Nothing is made.
func warned(t *testing.T, manifest string) (texts []string) {
	t.Helper()
	out, err := kubectlOn(t, manifest, "create", "--dry-run=server")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for line := range strings.Lines(out) {
		if _, text, found := strings.Cut(strings.TrimSpace(line), "Warning: Validation failed for ValidatingAdmissionPolicy 'outrigger-labels-"); found {
			_, text, _ = strings.Cut(text, "': ")
			texts = append(texts, text)
		}
	}
	return texts
}
