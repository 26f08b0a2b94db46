// Inside the package: the program's output is its whole interface.
package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const injected = `{
  "metadata": {"name": "my-nginx-1", "annotations": {"sidecar.istio.io/status": "{\"initContainers\":[\"istio-init\",\"istio-proxy\"],\"containers\":null,\"revision\":\"default\"}"}},
  "spec": {
    "initContainers": [{"name": "istio-init", "image": "p:1"}, {"name": "istio-proxy", "image": "p:1", "restartPolicy": "Always"}],
    "containers": [{"name": "nginx", "image": "nginx:latest"}]
  }
}`

func TestContainers(t *testing.T) {
	var p pod
	if err := json.Unmarshal([]byte(injected), &p); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := p.containers(&b); err != nil {
		t.Fatal(err)
	}
	want := `    istio-init    runs first, and ends   p:1            added by Outrigger
    istio-proxy   native sidecar         p:1            added by Outrigger
    nginx         container              nginx:latest   yours
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
	if err := (pod{}).containers(&b); err == nil {
		t.Error("a pod that was not injected is shown as if it was")
	}
}

func TestVerdictOn(t *testing.T) {
	log := filepath.Join(t.TempDir(), "audit.log")
	lines := []string{
		`{"verb":"create","responseObject":{"metadata":{"name":"other"}},"annotations":{"namespace.injector.outrigger.dev/reason":"pod-label"}}`,
		`{"verb":"create","responseObject":{"metadata":{"name":"my-nginx-1"}},"annotations":{"namespace.injector.outrigger.dev/reason":"policy","authorization.k8s.io/reason":""}}`,
		`{"verb":"create","resp`,
	}
	if err := os.WriteFile(log, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	var p pod
	p.Metadata.Name = "my-nginx-1"
	v, err := verdictOn(p, log)
	if err != nil || v.webhook != "namespace.injector.outrigger.dev" || v.said["reason"] != "policy" {
		t.Errorf("got %v, %v", v, err)
	}
	p.Metadata.Name = "nobody"
	if _, err := verdictOn(p, log); err == nil || !strings.Contains(err.Error(), `"nobody"`) {
		t.Errorf("got %v, want an error that names the pod", err)
	}
}
