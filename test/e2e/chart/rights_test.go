package chart_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"outrigger.dev/outrigger/charts"
	"outrigger.dev/outrigger/test/controlplane"
	"outrigger.dev/outrigger/test/e2e/injector"
)

// Each feature alone, on an API server that refuses what is not granted: the server
// is never refused anything, and all that the chart grants is used.
func TestRightsAreThoseThatAreUsed(t *testing.T) {
	certificates := t.TempDir()
	files := []string{"--certificates=files", "--cert-dir=" + certificates}
	bundle := writePair(t, certificates)
	for revision, c := range map[string]struct {
		values, args []string
		// by is the namespace of the configuration, or "" for our own.
		by string
		// forgetful says that the last good configuration is not kept, and exposed that
		// the dry run asks who calls.
		forgetful, exposed bool
		// before, unless nil, makes what has to be there before the server starts.
		before func(*testing.T, *injector.Injector)
	}{
		"self-signed": {values: []string{"nativeSidecars=true"}, args: []string{"--native-sidecars=true"}},
		"nodes":       {},
		"untold": {
			values: []string{"nativeSidecars=true", "webhook.failurePolicy=Ignore", "events.enabled=false", "detector.enabled=true"},
			args:   []string{"--native-sidecars=true", "--events=false", "--detector", "--detector-interval=1s"},
			before: func(t *testing.T, _ *injector.Injector) { lose(t, "untold") },
		},
		"forgetful": {
			values: []string{"nativeSidecars=true", "configuration.lastGood=false"}, args: []string{"--native-sidecars=true", "--last-good=false"},
			forgetful: true,
		},
		"tags": {values: []string{"revisionTags={prod}", "nativeSidecars=false"}, args: []string{"--native-sidecars=false", "--webhook-configuration=outrigger-injector-tags", "--webhook-configuration=outrigger-tag-prod"}},
		"files": {
			values: []string{"nativeSidecars=true", "certificates.mode=existingSecret", "certificates.existingSecret.name=any", "certificates.existingSecret.caBundle=" + bundle},
			args:   append([]string{"--native-sidecars=true"}, files...),
		},
		"cert-manager": {
			values: []string{"nativeSidecars=true", "certificates.mode=certManager"},
			args: []string{
				"--native-sidecars=true", "--certificates=certManager",
				"--certificate=outrigger-injector-cert-manager", "--certificate-secret=outrigger-serving-cert-manager",
			},
			before: func(t *testing.T, i *injector.Injector) { issue(t, i, certificates, bundle) },
		},
		"exposed":      {values: []string{"nativeSidecars=true", "dryRun.exposed=true"}, args: []string{"--native-sidecars=true"}, exposed: true},
		"canary":       {values: []string{"nativeSidecars=true", "canary.enabled=true"}, args: []string{"--native-sidecars=true", "--canary"}},
		"proxyconfigs": {values: []string{"nativeSidecars=true", "istio.proxyConfigs=true"}, args: []string{"--native-sidecars=true", "--proxy-configs=true"}},
		"detector": {
			values: []string{"nativeSidecars=true", "webhook.failurePolicy=Ignore", "detector.enabled=true"},
			args:   []string{"--native-sidecars=true", "--detector", "--detector-interval=1s"},
			before: func(t *testing.T, _ *injector.Injector) { lose(t, "detector") },
		},
		"istio": {
			values: []string{"nativeSidecars=true", "istio.config=istio-system", "istio.proxyConfigs=false"},
			args:   []string{"--native-sidecars=true", "--istio-config=istio-system", "--proxy-configs=false"},
			by:     "istio-system",
		},
	} {
		t.Run(revision, func(t *testing.T) {
			if c.by != "" {
				configureAsIstiod(t, c.by)
			}
			i, err := injector.Prepare(within(t), cluster, helms["Helm 4"], injector.Options{Revision: revision, Logs: t.TempDir(), Values: c.values, Args: c.args, Exposed: c.exposed})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := i.Uninstall(within(t)); err != nil {
					t.Error(err)
				}
			})
			if c.before != nil {
				c.before(t, i)
			}
			if err := i.Start(within(t)); err != nil {
				t.Fatal(err)
			}
			granted := grants(t, i.Name(), "outrigger-istio-config-"+revision)
			exercise(t, i, c.by, c.forgetful)
			wantUsed(t, "system:serviceaccount:outrigger-system:"+i.Name(), granted)
		})
	}
}

// issue does what cert-manager does: it puts the pair of a folder into the Secret, and
// its authority into the webhook configuration.
func issue(t *testing.T, i *injector.Injector, dir, bundle string) {
	t.Helper()
	secret := "outrigger-serving-" + strings.TrimPrefix(i.Name(), "outrigger-injector-")
	kubectl(t, "create", "secret", "tls", secret, "--namespace", injector.Namespace,
		"--cert", filepath.Join(dir, "tls.crt"), "--key", filepath.Join(dir, "tls.key"))
	t.Cleanup(func() { kubectl(t, "delete", "secret", secret, "--namespace", injector.Namespace) })
	entries := strings.Fields(kubectl(t, "get", "mutatingwebhookconfiguration", i.Name(), "-o", "jsonpath={.webhooks[*].name}"))
	var patch []map[string]any
	for n := range entries {
		patch = append(patch, map[string]any{"op": "add", "path": fmt.Sprintf("/webhooks/%d/clientConfig/caBundle", n), "value": bundle})
	}
	text, err := json.Marshal(patch)
	if err != nil {
		t.Fatal(err)
	}
	kubectl(t, "patch", "mutatingwebhookconfiguration", i.Name(), "--type=json", "--patch", string(text))
}

// lose makes a pod that a revision should inject, and that misses its sidecar.
func lose(t *testing.T, revision string) {
	t.Helper()
	namespace := newNamespaces(t, map[string]string{"istio.io/rev": revision})[0].Name
	if _, err := cluster.Client().CoreV1().Pods(namespace).Create(within(t), probe(nil), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// exercise has a server do all that it does in its life: serve, follow its
// configuration, refuse a broken one, start again, and look a namespace up. One that is
// forgetful cannot start on a broken configuration.
func exercise(t *testing.T, i *injector.Injector, by string, forgetful bool) {
	t.Helper()
	namespace, name := injector.Namespace, i.ConfigMap()
	if by != "" {
		namespace, name = by, "istio-sidecar-injector"
	}
	configure := func(config string) {
		t.Helper()
		patch, err := json.Marshal(map[string]any{"data": map[string]string{"config": config}})
		if err != nil {
			t.Fatal(err)
		}
		kubectl(t, "patch", "configmap", name, "--namespace", namespace, "--type=merge", "--patch", string(patch))
	}
	await := func(what string, wanted func(injector.Check) bool) {
		t.Helper()
		if err := i.Await(within(t), func(r injector.Readiness) bool { return r.Ready && wanted(r.Checks["configuration"]) }); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	configure("policy: enabled\ncheckNamespace: true\ninjectedAnnotations: {example.com/mark: one}\n")
	await("a change", func(c injector.Check) bool { return c.Refused == "" })
	configure("policy: enabled\ntemplates: {sidecar: '{{ .Nonsense }'}\n")
	await("a broken one", func(c injector.Check) bool { return c.Refused != "" })
	if err := i.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := i.Launch(); err != nil {
		t.Fatal(err)
	}
	if forgetful {
		configure("policy: enabled\ncheckNamespace: true\n")
	}
	await("the last good one", func(c injector.Check) bool { return forgetful || strings.Contains(c.From, "last good") })
	askAbout(t, i, "nobody-knows-"+i.Name())
	dryRun(t, i)
	configure("policy: enabled\ncheckNamespace: true\n")
	await("a good one", func(c injector.Check) bool { return c.Refused == "" })
}

// askAbout has a server decide about a pod of a namespace that it has not heard of.
func askAbout(t *testing.T, i *injector.Injector, namespace string) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}} // of this machine
	defer client.CloseIdleConnections()
	body := `{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"u","kind":{"group":"","version":"v1","kind":"Pod"},` +
		`"resource":{"group":"","version":"v1","resource":"pods"},"namespace":"` + namespace + `","operation":"CREATE","userInfo":{},` +
		`"object":{"apiVersion":"v1","kind":"Pod","metadata":{"name":"x","annotations":{"inject.istio.io/templates":"none"},` +
		`"ownerReferences":[{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"x","uid":"x","controller":true}]},"spec":{"containers":[{"name":"a","image":"b"}]}}}}`
	response, err := client.Post(i.URL()+"/inject", "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
}

// dryRun asks a server what would become of a pod, as somebody who may where it asks who
// that is.
func dryRun(t *testing.T, i *injector.Injector) {
	t.Helper()
	if !strings.HasPrefix(i.DryRun(), "https://") {
		if code, body := askDryRun(t, http.DefaultClient, i, ""); code != http.StatusOK {
			t.Errorf("dry run: %d: %s", code, body)
		}
		return
	}
	token := account(t, "asker")
	mayAsk(t, "asker")
	client := trusting(t, i)
	await(t, "who may is answered", func() bool {
		code, _ := askDryRun(t, client, i, token)
		return code == http.StatusOK
	})
}

// grants are the rights that roles of these names give, each as "verb resource.group
// name", in every namespace.
func grants(t *testing.T, names ...string) map[string]bool {
	t.Helper()
	var roles struct {
		Items []struct {
			Metadata struct{ Name string }
			Rules    []rbacv1.PolicyRule
		}
	}
	if err := json.Unmarshal([]byte(kubectl(t, "get", "roles,clusterroles", "--all-namespaces", "-o", "json")), &roles); err != nil {
		t.Fatal(err)
	}
	all := map[string]bool{}
	for _, role := range roles.Items {
		if !slices.Contains(names, role.Metadata.Name) {
			continue
		}
		for _, rule := range role.Rules {
			if len(rule.ResourceNames) == 0 {
				rule.ResourceNames = []string{""} // all names
			}
			for _, name := range rule.ResourceNames {
				for _, verb := range rule.Verbs {
					all[fmt.Sprintf("%s %s.%s %s", verb, rule.Resources[0], rule.APIGroups[0], name)] = true
				}
			}
		}
	}
	if len(all) == 0 {
		t.Fatalf("no roles named %v", names)
	}
	return all
}

// auditLimit is how long a request may take to its place in the audit log.
const auditLimit = 10 * time.Second

// wantUsed wants a user's requests, by the audit log, to have been allowed, and to
// have been all that was granted. Who watches may have begun with a list or, on newer
// API servers, by the watch itself: the two rights are one.
func wantUsed(t *testing.T, user string, granted map[string]bool) {
	t.Helper()
	unused, forbidden := maps.Clone(granted), map[string]bool{}
	ctx, cancel := context.WithTimeout(within(t), auditLimit)
	defer cancel()
	_, err := cluster.WaitForAudit(ctx, func(event controlplane.AuditEvent) bool {
		o := event.ObjectRef
		if event.User.Username != user || o.Resource == "" {
			return false
		}
		// What a proxy leads to may refuse, too: a pod that runs in name only has no address.
		refused := event.ResponseStatus.Code == http.StatusForbidden && o.Subresource != "proxy"
		if refused || event.Annotations["authorization.k8s.io/decision"] == "forbid" {
			forbidden[event.Verb+" "+event.RequestURI] = true
		}
		verbs := []string{event.Verb}
		if event.Verb == "watch" {
			verbs = append(verbs, "list")
		}
		resource := o.Resource
		if o.Subresource != "" {
			resource += "/" + o.Subresource
		}
		for _, verb := range verbs {
			delete(unused, fmt.Sprintf("%s %s.%s %s", verb, resource, o.APIGroup, o.Name))
			delete(unused, fmt.Sprintf("%s %s.%s ", verb, resource, o.APIGroup)) // all names
		}
		return len(unused) == 0
	})
	if err != nil {
		t.Errorf("granted and never used: %q", slices.Sorted(maps.Keys(unused)))
	}
	if len(forbidden) > 0 {
		t.Errorf("forbidden: %q", slices.Sorted(maps.Keys(forbidden)))
	}
}

// configureAsIstiod makes the ConfigMaps of an istiod.
func configureAsIstiod(t *testing.T, namespace string) {
	t.Helper()
	_, values, _ := charts.Default()
	text, err := json.Marshal(map[string]any{
		"apiVersion": "v1", "kind": "List", "items": []any{
			map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]string{"name": "istio-sidecar-injector", "namespace": namespace},
				"data": map[string]string{"config": "policy: enabled\n", "values": string(values)}},
			map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]string{"name": "istio", "namespace": namespace},
				"data": map[string]string{"mesh": "{}"}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if out, err := kubectlOn(t, string(text), "apply"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}
