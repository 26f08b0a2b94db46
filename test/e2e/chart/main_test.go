// Package chart_test proves on a real API server what the chart promises: that all it
// renders is taken as it is, by kubectl and by both versions of Helm; and that the
// rights it gives are those that are used. It has a control plane of its own, as the
// names of what it installs are the same again and again.
package chart_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"outrigger.dev/outrigger/test/controlplane"
	"outrigger.dev/outrigger/test/e2e/injector"
)

// What all tests share. Set before the first of them; they run one by one.
var (
	cluster *controlplane.ControlPlane
	helms   = map[string]injector.Tools{}
	logs    string
)

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// run sets up, runs the tests, and leaves nothing behind.
func run(m *testing.M) (code int, err error) {
	ctx := context.Background()
	if logs, err = os.MkdirTemp("", "outrigger-chart-"); err != nil {
		return 0, err
	}
	defer os.RemoveAll(logs)
	four, err := injector.Build(ctx, "../../..", logs)
	if err != nil {
		return 0, err
	}
	if four, err = four.BuildCLI(ctx, logs); err != nil {
		return 0, err
	}
	three, err := four.Helm3(ctx, logs)
	if err != nil {
		return 0, err
	}
	helms = map[string]injector.Tools{"Helm 3": three, "Helm 4": four}
	if cluster, err = controlplane.Start(ctx, controlplane.Options{}); err != nil {
		return 0, err
	}
	defer func() {
		if stopped := cluster.Stop(); err == nil {
			err = stopped
		}
	}()
	if err := prepare(ctx); err != nil {
		return 0, err
	}
	return m.Run(), nil
}

// prepare makes the kinds of others that the chart may render, and namespaces: our own
// at the strictest level of Pod Security, and those of an istiod.
func prepare(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, "go", "run", ".")
	cmd.Dir = "../../crds"
	files, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("definitions of others: %w", err)
	}
	for _, file := range strings.Fields(string(files)) {
		if _, err := cluster.Kubectl(ctx, "create", "-f", file); err != nil {
			return err
		}
	}
	if _, err := cluster.Apply(ctx, definitions); err != nil {
		return err
	}
	_, err = cluster.Kubectl(ctx, "wait", "customresourcedefinitions", "--all", "--for=condition=Established", "--timeout=60s")
	return err
}

// definitions are namespaces, and the kind ProxyConfig as far as it has to be known.
const definitions = `
apiVersion: v1
kind: Namespace
metadata:
  name: outrigger-system
  labels: {pod-security.kubernetes.io/enforce: restricted, pod-security.kubernetes.io/warn: restricted}
---
apiVersion: v1
kind: Namespace
metadata: {name: istio-system}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: proxyconfigs.networking.istio.io}
spec:
  group: networking.istio.io
  scope: Namespaced
  names: {kind: ProxyConfig, listKind: ProxyConfigList, plural: proxyconfigs, singular: proxyconfig}
  versions:
  - name: v1beta1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
`

// limit is how long anything here may take. It takes seconds.
const limit = 2 * time.Minute

// within is a context that ends when something takes too long. It serves the cleaning
// up after a test, too.
func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	t.Cleanup(cancel)
	return ctx
}

// kubectl runs kubectl as a person would and gives what it wrote.
func kubectl(t *testing.T, args ...string) string {
	t.Helper()
	out, err := cluster.Kubectl(within(t), args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// helm runs Helm as a person would and gives what it wrote.
func helm(t *testing.T, tools injector.Tools, args ...string) string {
	t.Helper()
	out, err := tools.RunHelm(within(t), cluster, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// kubectlOn runs kubectl on manifests, and gives all that it wrote.
func kubectlOn(t *testing.T, manifests string, args ...string) (string, error) {
	t.Helper()
	cmd := cluster.KubectlCommand(within(t), append(args, "-f", "-")...)
	cmd.Stdin = strings.NewReader(manifests)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// Who compares what kubectl diff is given with what is there: the client, or, as GitOps
// controllers have it, the API server. It finds a difference in whatever kubectl apply has
// left on the client's side: the annotation that kubectl keeps for itself.
const (
	byClient = "--server-side=false"
	byServer = "--server-side=true"
)

// wantNoDiff wants the cluster to be as the manifests say, whoever compares.
func wantNoDiff(t *testing.T, manifests string, sides ...string) {
	t.Helper()
	for _, side := range sides {
		if out, err := kubectlOn(t, manifests, "diff", side); err != nil || strings.TrimSpace(out) != "" {
			t.Errorf("kubectl diff %s: %v\n%s", side, err, out)
		}
	}
}

// wantNothingLeft wants nothing in the cluster to be labelled as ours.
func wantNothingLeft(t *testing.T) {
	t.Helper()
	kinds := strings.Join(strings.Fields(kubectl(t, "api-resources", "--verbs=list,delete", "-o", "name")), ",")
	// What controllers made for us they take away themselves.
	kubectl(t, "wait", "pods,endpoints,endpointslices", "--for=delete", "--timeout=60s", "--namespace", injector.Namespace, "-l", "app.kubernetes.io/name=outrigger-injector")
	// What has no name is an empty list: Kubernetes 1.30 gives some of them as null, which "-o name" takes for an object.
	const named = `jsonpath={range .items[?(@.metadata.name)]}{.kind}/{.metadata.name}{"\n"}{end}`
	left := kubectl(t, "get", kinds, "--all-namespaces", "--ignore-not-found", "-o", named, "-l", "app.kubernetes.io/part-of=outrigger")
	if strings.TrimSpace(left) != "" {
		t.Errorf("left behind:\n%s", left)
	}
}
