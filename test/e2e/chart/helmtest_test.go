package chart_test

import (
	"errors"
	"os/exec"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"outrigger.dev/outrigger/test/e2e/injector"
)

// What the pod of "helm test" says of an installation, with the rights that it has: they
// suffice, whoever is asked for a pod, and none is for nothing. The pods of the last one run
// in name only.
func TestHelmTestSaysWhetherItWorks(t *testing.T) {
	for revision, c := range map[string]struct {
		values, args []string
		says         string
	}{
		"tested-by-pod": {
			says: `ok: canary: the API server reaches the webhook, asked by a dry run in namespace "outrigger-test-tested-by-pod"`,
		},
		"tested-by-canary": {
			values: []string{"canary.enabled=true"}, args: []string{"--canary"},
			says: `ok: canary: the API server reaches the webhook, asked by a dry run in namespace "outrigger-system"`,
		},
	} {
		t.Run(revision, func(t *testing.T) {
			i, err := injector.Install(within(t), cluster, helms["Helm 4"], injector.Options{
				Revision: revision, Logs: t.TempDir(), Values: append(c.values, "nativeSidecars=true"), Args: append(c.args, "--native-sidecars=true"),
			})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := i.Uninstall(within(t)); err != nil {
					t.Error(err)
				}
			})
			said, status := helmTest(t, revision)
			if status != 0 || !strings.Contains(said, c.says) || strings.Count(said, "\n") != strings.Count("\n"+said, "\nok: ") {
				t.Errorf("exit status %d of one that works, and\n%s", status, said)
			}
		})
	}
	t.Run("tested-in-name", func(t *testing.T) {
		const release = "outrigger-tested-in-name"
		helm(t, helms["Helm 4"], "install", release, helms["Helm 4"].Root+"/charts/outrigger", "--namespace", injector.Namespace,
			"--set", "revision=tested-in-name", "--set", "replicaCount=1", "--set", "webhook.timeoutSeconds=1")
		t.Cleanup(func() { helm(t, helms["Helm 4"], "uninstall", release, "--namespace", injector.Namespace, "--wait") })
		kubectl(t, "rollout", "status", "deployment/outrigger-injector-tested-in-name", "--timeout=90s", "--namespace", injector.Namespace)
		said, status := helmTest(t, "tested-in-name")
		if status != 79 || !strings.Contains(said, ": 1 of 1 replicas are ready\n") || !strings.Contains(said, "error: caBundle: there is none in 6 of 6 entries") ||
			!strings.Contains(said, "\nerror: canary: ") || !strings.Contains(said, "\nhint: ") {
			t.Errorf("exit status %d of one that runs in name only, and\n%s", status, said)
		}
	})
}

// helmTest runs what the pod of "helm test" would, as its ServiceAccount, and returns what
// that wrote and its exit status. No request may be forbidden, and no right be unused.
func helmTest(t *testing.T, revision string) (said string, status int) {
	t.Helper()
	const pod = "kind: Pod\n"
	name, rights, check := "outrigger-test-"+revision, "", corev1.Pod{}
	for document := range strings.SplitSeq(helm(t, helms["Helm 4"], "get", "hooks", "outrigger-"+revision, "--namespace", injector.Namespace), "---\n") {
		if !strings.Contains(document, pod) {
			rights += "---\n" + document
		} else if err := yaml.UnmarshalStrict([]byte(document), &check); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := kubectlOn(t, rights, "create"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Cleanup(func() {
		if out, err := kubectlOn(t, rights, "delete"); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	})
	if strings.Contains(rights, "kind: Namespace\n") {
		awaitAccount(t, name)
	}
	kubeconfig, err := cluster.ServiceAccountKubeconfig(within(t), injector.Namespace, check.Spec.ServiceAccountName)
	if err != nil {
		t.Fatal(err)
	}
	granted := grants(t, name)
	cmd := exec.CommandContext(within(t), helms["Helm 4"].Server, append(check.Spec.Containers[0].Args, "--check-wait=0s", "--kubeconfig="+kubeconfig)...)
	out, err := cmd.CombinedOutput()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	wantUsed(t, "system:serviceaccount:"+injector.Namespace+":"+name, granted)
	return string(out), cmd.ProcessState.ExitCode()
}
