package chart_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"outrigger.dev/outrigger/test/e2e/injector"
)

// explained are workloads of which one is injected, one opts out, and one is refused, and a
// pod that asks for nothing.
const explained = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: %[1]s, labels: {tier: front}}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: app, image: "example.com/app:1"}]}
---
apiVersion: v1
kind: Pod
metadata: {name: shy, namespace: %[1]s, labels: {sidecar.istio.io/inject: "false"}}
spec: {containers: [{name: app, image: "example.com/app:1"}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: odd, namespace: %[1]s}
spec:
  selector: {matchLabels: {app: odd}}
  template:
    metadata: {labels: {app: odd}, annotations: {inject.istio.io/templates: nosuch}}
    spec: {containers: [{name: app, image: "example.com/app:1"}]}
`

// An explanation is what is asked about, what the exit status says of it, and lines of
// what is printed.
type explanation struct {
	status int
	args   []string
	want   []string
}

// explanations are those of the workloads in a namespace, of which one has a pod.
func explanations(namespace, pod string) map[string]explanation {
	return map[string]explanation{
		"a Deployment": {0, []string{"deploy/web"}, []string{
			`Deployment ` + namespace + `/web: INJECT, policy`,
			`> outrigger +policy +inject +.*`,
		}},
		"a pod that is injected": {0, []string{pod}, []string{
			`Pod ` + namespace + `/web-\S+: INJECT, policy`,
			`  the pod has a sidecar: revision default, configuration [0-9a-f]+, because of policy`,
			`  a new pod would be the same`,
		}},
		"a pod that opts out": {3, []string{"pod", "shy"}, []string{
			`Pod ` + namespace + `/shy: SKIP, pod-label`,
			`  the pod has no sidecar`,
			`  a new pod would have none either`,
		}},
		"a Deployment whose pods are refused": {4, []string{"deploy", "odd"}, []string{
			`Deployment ` + namespace + `/odd: DENY, unknown-template`,
		}},
		"all of a kind": {4, []string{"deploy", "--table"}, []string{
			namespace + ` +Deployment +odd +deny +unknown-template +.*`,
			namespace + ` +Deployment +web +inject +policy +.*`,
		}},
		"those with a label, wherever they are": {0, []string{"deploy", "-l", "tier=front", "-A", "--table"}, []string{
			namespace + ` +Deployment +web +inject +policy +.*`,
		}},
		"none": {1, []string{"sts", "-l", "tier=front"}, []string{
			`error: there are no such statefulsets in namespace "` + namespace + `"`,
		}},
		"what if the namespace were labelled otherwise": {3, []string{"deploy/web", "--label", "istio-injection=disabled"}, []string{
			`Deployment ` + namespace + `/web: SKIP, namespace-not-enabled`,
		}},
	}
}

// What a cluster has is explained by its own configuration: what will happen to the next
// pod of a workload, what happened to one that there is, and whether a new one would be
// the same; and the exit status says it to scripts.
func TestExplainOfWhatIsInACluster(t *testing.T) {
	i, err := injector.Install(within(t), cluster, helms["Helm 4"], injector.Options{Logs: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = i.Uninstall(within(t)) })
	namespace := enabledNamespace(t)
	if out, err := kubectlOn(t, fmt.Sprintf(explained, namespace), "create"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	kubectl(t, "rollout", "status", "deployment/web", "--timeout=90s", "--namespace", namespace)
	pod := strings.TrimSpace(kubectl(t, "get", "pods", "--namespace", namespace, "-l", "app=web", "-o", "name"))
	await(t, "there is an event about the one that is refused", func() bool {
		return strings.Contains(kubectl(t, "get", "events", "--namespace", namespace), "nosuch")
	})

	for sentence, c := range explanations(namespace, pod) {
		t.Run(sentence, func(t *testing.T) {
			wantMatches(t, exits(t, c.status, inNamespace(namespace, "explain", c.args)...), c.want...)
		})
	}

	t.Run("a pod that would differ now", func(t *testing.T) {
		configure := func(more string) {
			kubectl(t, "patch", "configmap", i.ConfigMap(), "--namespace", injector.Namespace, "--type=merge",
				"--patch", `{"data": {"config": "policy: enabled\ncheckNamespace: true\n`+more+`\n"}}`)
		}
		configure(`templates: {unasked: \"spec: {}\"}`) // another configuration, and the same pods
		wantMatches(t, exits(t, 0, "explain", pod, "-n", namespace), `  a new pod would be the same`)
		wantOutdated(t, namespace, pod)
		configure(`injectedAnnotations: {example.com/mark: one}`)
		wantMatches(t, exits(t, 0, "explain", pod, "-n", namespace),
			`  the pod has a sidecar: revision default, .*`, `  a new pod would differ in 1 place: restart its workload to have it so`, `    metadata.annotations\[example.com/mark\]: .*`)
		wantOutdated(t, namespace, pod, "metadata.annotations[example.com/mark]")
	})
}

// wantOutdated wants explain, status and analyze to say the same of the pod of the
// Deployment web: that it differs from a new one in these places, or in none.
func wantOutdated(t *testing.T, namespace, pod string, paths ...string) {
	t.Helper()
	type difference struct{ Path string }
	var explained struct {
		History struct {
			State       string
			Differences []difference
		}
	}
	var status struct {
		Workloads []struct {
			Name, State string
			Differences []difference
		}
	}
	var analysis struct {
		Findings []struct{ Name, Message string }
	}
	said := map[string][]difference{}
	parse := func(into any, code int, args ...string) {
		out := exits(t, code, append(args, "-n", namespace, "-o", "json")...)
		if err := json.NewDecoder(strings.NewReader(out)).Decode(into); err != nil {
			t.Fatalf("%v: %v", args, err)
		}
	}
	parse(&explained, 0, "explain", pod)
	parse(&status, 0, "status", "deploy/web")
	parse(&analysis, 79, "analyze") // one is refused
	said["explain: "+explained.History.State] = explained.History.Differences
	for _, w := range status.Workloads {
		said["status: "+w.State] = w.Differences
	}
	state, found := "injected", ""
	var want []difference
	for _, path := range paths {
		state, found = "outdated", "was injected by another configuration; a new pod differs in "+strings.Join(paths, ", ")
		want = append(want, difference{path})
	}
	if diff := cmp.Diff(map[string][]difference{"explain: " + state: want, "status: " + state: want}, said, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("(-want +said):\n%s", diff)
	}
	for _, f := range analysis.Findings {
		if f.Name != "PodOutdated" {
			continue
		}
		if f.Message != found {
			t.Errorf("analyze: %q, want %q", f.Message, found)
		}
		found = ""
	}
	if found != "" {
		t.Errorf("analyze does not find that it %s", found)
	}
}

// inNamespace are the arguments of a verb, in a namespace unless they say all.
func inNamespace(namespace, verb string, args []string) []string {
	all := append([]string{verb}, args...)
	if !strings.Contains(strings.Join(args, " "), "-A") {
		all = append(all, "-n", namespace)
	}
	return all
}

// wantMatches wants each expression to match a line of a text, whole.
func wantMatches(t *testing.T, text string, lines ...string) {
	t.Helper()
	for _, want := range lines {
		if !regexp.MustCompile(`(?m)^` + want + `$`).MatchString(text) {
			t.Errorf("no line is %q in\n%s", want, text)
		}
	}
}

// Where the server obeys ProxyConfig resources, which its Deployment says, so does explain.
func TestExplainObeysProxyConfigs(t *testing.T) {
	tools := helms["Helm 4"]
	namespace := newNamespaces(t, map[string]string{"istio.io/rev": "levels"})[0].Name
	if out, err := kubectlOn(t, fmt.Sprintf(level, namespace), "create"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	workload := filepath.Join(t.TempDir(), "pod.yaml")
	write(t, workload, "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: app, image: 'example.com/app:1'}]}\n")
	t.Cleanup(func() { helm(t, tools, "uninstall", release, "--namespace", injector.Namespace, "--wait") })
	for obeys, want := range map[string]bool{"false": false, "true": true} {
		helm(t, tools, "upgrade", "--install", release, filepath.Join(tools.Root, "charts", "outrigger"), "--namespace", injector.Namespace,
			"--set", "revision=levels", "--set", "webhook.failurePolicy=Ignore", "--set", "istio.proxyConfigs="+obeys)
		out := exits(t, 0, "explain", "-f", workload, "-n", namespace, "--revision", "levels")
		for _, sign := range []string{"proxy config: the mesh's, and over it ProxyConfig " + namespace + "/level\n", "{name: LEVEL, value: of-the-namespace}"} {
			if got := strings.Contains(out, sign); got != want {
				t.Errorf("with istio.proxyConfigs=%s: %q is there: %t, want %t\n%s", obeys, sign, got, want, out)
			}
		}
	}
}

// level is a ProxyConfig that says where it is.
const level = `
apiVersion: networking.istio.io/v1beta1
kind: ProxyConfig
metadata: {name: level, namespace: %s}
spec: {environmentVariables: {LEVEL: of-the-namespace}}
`
