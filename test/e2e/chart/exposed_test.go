package chart_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"outrigger.dev/outrigger/test/e2e/injector"
)

// A dry run that is exposed speaks TLS, with the certificate that the API server trusts, and
// answers those alone who have the right to it, by the API server's own word.
func TestExposedDryRunAsksWhoCalls(t *testing.T) {
	i, err := injector.Install(within(t), cluster, helms["Helm 4"], injector.Options{
		Revision: "asked", Logs: t.TempDir(), Exposed: true,
		Values: []string{"dryRun.exposed=true", "nativeSidecars=true"}, Args: []string{"--native-sidecars=true"},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = i.Uninstall(within(t)) })
	client, token := trusting(t, i), account(t, "stranger")

	if _, err := http.Get(i.DryRun()); err == nil || !strings.Contains(err.Error(), "x509") {
		t.Errorf("without its authority: %v, want it not to be trusted", err)
	}
	for sentence, c := range map[string]struct {
		token string
		code  int
		says  string
	}{
		"nobody":                     {"", http.StatusUnauthorized, "authorization: no bearer token, want the token of a user or ServiceAccount of this cluster"},
		"a token that is nobody's":   {"nonsense", http.StatusUnauthorized, "authorization: the token is not one of this cluster's, or no longer valid"},
		"somebody without the right": {token, http.StatusForbidden, `user "system:serviceaccount:default:stranger": has no right to this, want a ClusterRole with nonResourceURLs ["/dryrun"] and verbs ["post"]`},
	} {
		if code, body := askDryRun(t, client, i, c.token); code != c.code || strings.TrimSpace(body) != c.says {
			t.Errorf("%s: %d %s, want %d %s", sentence, code, body, c.code, c.says)
		}
	}

	mayAsk(t, "stranger")
	var code int
	var body string
	await(t, "who may is answered", func() bool {
		code, body = askDryRun(t, client, i, token)
		return code != http.StatusForbidden
	})
	if code != http.StatusOK || !strings.Contains(body, `"kind": "Answer"`) {
		t.Errorf("somebody with the right: %d %s", code, body)
	}
	request, err := http.NewRequestWithContext(within(t), http.MethodGet, i.DryRun()+"/live", nil)
	if err != nil {
		t.Fatal(err)
	}
	if code, body := do(t, client, request, token); code != http.StatusForbidden || !strings.Contains(body, `nonResourceURLs ["/live"] and verbs ["get"]`) {
		t.Errorf("the right to one thing is one to another: %d %s", code, body)
	}
}

// trusting is a client that trusts what the API server is told to trust of a server.
func trusting(t *testing.T, i *injector.Injector) *http.Client {
	t.Helper()
	bundle, err := base64.StdEncoding.DecodeString(bundles(t, i.Name())[0])
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(bundle) {
		t.Fatalf("no CA bundle: %q", bundle)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// account makes a ServiceAccount in namespace default, and gives a token of it.
func account(t *testing.T, name string) (token string) {
	t.Helper()
	kubectl(t, "create", "serviceaccount", name)
	t.Cleanup(func() { kubectl(t, "delete", "serviceaccount", name) })
	return strings.TrimSpace(kubectl(t, "create", "token", name))
}

// mayAsk gives an account the right to dry runs, as the operator's guide has it.
func mayAsk(t *testing.T, name string) {
	t.Helper()
	kubectl(t, "create", "clusterrole", "outrigger-dry-run", "--verb=post", "--non-resource-url=/dryrun")
	t.Cleanup(func() { kubectl(t, "delete", "clusterrole", "outrigger-dry-run") })
	kubectl(t, "create", "clusterrolebinding", "outrigger-dry-run", "--clusterrole=outrigger-dry-run", "--serviceaccount=default:"+name)
	t.Cleanup(func() { kubectl(t, "delete", "clusterrolebinding", "outrigger-dry-run") })
}

// askDryRun asks a server what would become of a pod, with a token unless that is "".
func askDryRun(t *testing.T, client *http.Client, i *injector.Injector, token string) (code int, body string) {
	t.Helper()
	manifest := `{"kind":"Pod","apiVersion":"v1","metadata":{"name":"x","namespace":"default"},"spec":{"containers":[{"name":"a","image":"b"}]}}`
	request, err := http.NewRequestWithContext(within(t), http.MethodPost, i.DryRun()+"/dryrun", strings.NewReader(manifest))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	return do(t, client, request, token)
}

// do sends a request with a token.
func do(t *testing.T, client *http.Client, request *http.Request, token string) (code int, body string) {
	t.Helper()
	if token != "" {
		request.Header.Set("Authorization", fmt.Sprintf("Bearer %s", token))
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}
