package chart_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"outrigger.dev/outrigger/test/e2e/injector"
)

const release = "outrigger"

// Every profile, installed by both versions of Helm into a namespace where Pod
// Security is restricted: the server's pods are let in, and nothing differs from what
// was installed, before a CA bundle is there and after.
func TestProfiles(t *testing.T) {
	for version, tools := range helms {
		for profile, c := range map[string]struct {
			more []string
			pods int
			// tested says that "helm test" is run, too.
			tested bool
		}{
			"default":   {pods: 2, tested: true},
			"demo":      {pods: 1},
			"minimal":   {pods: 1},
			"preview":   {pods: 2},
			"openshift": {pods: 2},
			"empty":     {},
			"remote":    {more: []string{"--set", "webhook.url=https://127.0.0.1:1"}},
		} {
			t.Run(profile+" by "+version, func(t *testing.T) {
				chart := filepath.Join(tools.Root, "charts", "outrigger")
				helm(t, tools, append([]string{"install", release, chart, "--namespace", injector.Namespace, "--set", "profile=" + profile}, c.more...)...)
				t.Cleanup(func() {
					helm(t, tools, "uninstall", release, "--namespace", injector.Namespace, "--wait")
					wantNothingLeft(t)
				})
				if c.pods > 0 {
					kubectl(t, "rollout", "status", "deployment/outrigger-injector", "--timeout=90s", "--namespace", injector.Namespace)
					pods := kubectl(t, "get", "pods", "--namespace", injector.Namespace, "-o", "name", "-l", "app.kubernetes.io/name=outrigger-injector")
					if got := len(strings.Fields(pods)); got != c.pods {
						t.Errorf("%d pods, want %d", got, c.pods)
					}
				}
				if profile == "empty" {
					return
				}
				if c.tested { // its pod runs in name only; that nothing is left of it is what counts
					helm(t, tools, "test", release, "--namespace", injector.Namespace)
				}
				manifest := helm(t, tools, "get", "manifest", release, "--namespace", injector.Namespace)
				wantNoDiff(t, manifest, byClient, byServer)
				writeBundle(t, "outrigger-injector")
				wantNoDiff(t, manifest, byClient, byServer)
			})
		}
	}
}

// writeBundle writes a CA bundle into every entry, as a server would.
func writeBundle(t *testing.T, name string) {
	t.Helper()
	bundle := writePair(t, t.TempDir())
	var patch []string
	for i := range bundles(t, name) {
		patch = append(patch, fmt.Sprintf(`{"op": "add", "path": "/webhooks/%d/clientConfig/caBundle", "value": %q}`, i, bundle))
	}
	kubectl(t, "patch", "mutatingwebhookconfiguration", name, "--type=json", "--field-manager=outrigger-injector",
		"--patch", "["+strings.Join(patch, ", ")+"]")
}

// bundles are the CA bundles in a webhook configuration, by entry.
func bundles(t *testing.T, name string) []string {
	t.Helper()
	var c struct {
		Webhooks []struct {
			ClientConfig struct{ CABundle string }
		}
	}
	if err := json.Unmarshal([]byte(kubectl(t, "get", "mutatingwebhookconfiguration", name, "-o", "json")), &c); err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, w := range c.Webhooks {
		all = append(all, w.ClientConfig.CABundle)
	}
	return all
}

// The life of a release under both versions of Helm, with a server that writes its CA
// bundle: nobody fights over it, an upgrade leaves its bytes alone, and nothing is left.
func TestLifeOfARelease(t *testing.T) {
	for version, tools := range helms {
		t.Run(version, func(t *testing.T) {
			i, err := injector.Install(within(t), cluster, tools, injector.Options{Logs: t.TempDir()})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = i.Kill() })
			before := bundles(t, i.Name())
			if len(before) != 6 || before[0] == "" {
				t.Fatalf("the server is ready, and the bundles are %q", before)
			}
			same := func(when string) {
				t.Helper()
				if diff := cmp.Diff(before, bundles(t, i.Name())); diff != "" {
					t.Errorf("%s: CA bundles (-installed +now):\n%s", when, diff)
				}
				manifest, err := i.Manifest(within(t))
				if err != nil {
					t.Fatal(err)
				}
				wantNoDiff(t, manifest, byClient, byServer)
			}
			same("after install")
			for _, values := range [][]string{
				{"logLevel=debug", "webhook.exclude.critical=true", "webhook.annotations.a=b"},
				{"sidecarInjectorWebhook.enableNamespacesByDefault=true"},
				{"revisionTags={prod}"},
				{"profile=demo"},
				nil,
			} {
				if err := i.Upgrade(within(t), values...); err != nil {
					t.Fatalf("upgrade to %v: %v", values, err)
				}
				same(fmt.Sprintf("after the upgrade to %v", values))
			}
			if err := i.Rollback(within(t), "3"); err != nil {
				t.Fatal(err)
			}
			same("after the rollback")
			if err := i.Uninstall(within(t)); err != nil {
				t.Fatal(err)
			}
			wantNothingLeft(t)
		})
	}
}
