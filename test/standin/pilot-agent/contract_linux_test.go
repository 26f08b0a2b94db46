package main

import (
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"outrigger.dev/outrigger/test/standin/agent"
	"outrigger.dev/outrigger/test/standin/redirect"
)

// An injected pod, as far as its containers matter to their image.
type injected struct {
	Spec struct{ InitContainers, Containers []container }
}

type container struct {
	Name, Image string
	Args        []string
	Env         []struct{ Name, Value string }
	Lifecycle   struct{ PostStart, PreStop hook }
}

type hook struct{ Exec struct{ Command []string } }

func (c container) env(name string) string {
	for _, e := range c.Env {
		if e.Name == name {
			return e.Value
		}
	}
	return ""
}

// What the built-in templates make of pods is what the stand-in has to honour:
// every argument, variable and hook.
func TestTheStandinHonoursTheTemplates(t *testing.T) {
	outrigger := filepath.Join(t.TempDir(), "outrigger")
	build := exec.Command("go", "build", "-o", outrigger, "./cmd/outrigger")
	build.Dir = "../../.."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for sentence, c := range map[string]struct {
		annotations string
		flags       []string
		// containers are those with the image, by the first of their arguments.
		containers []string
		refused    string
	}{
		"native":      {containers: []string{"istio-init istio-iptables", "istio-proxy proxy sidecar"}},
		"classic":     {flags: []string{"--native-sidecars=false"}, containers: []string{"istio-init istio-iptables", "istio-proxy proxy sidecar"}},
		"hold":        {annotations: `"proxy.istio.io/config": "holdApplicationUntilProxyStarts: true\nterminationDrainDuration: 12s"`, flags: []string{"--native-sidecars=false"}, containers: []string{"istio-init istio-iptables", "istio-proxy proxy sidecar"}},
		"CNI":         {flags: []string{"--values", "testdata/cni.yaml"}, containers: []string{"istio-validation istio-iptables", "istio-proxy proxy sidecar"}},
		"all values":  {flags: []string{"--values", "testdata/values.yaml"}, containers: []string{"istio-init istio-iptables", "istio-proxy proxy sidecar"}},
		"NONE":        {annotations: `"sidecar.istio.io/interceptionMode": "NONE"`, containers: []string{"istio-proxy proxy sidecar"}},
		"TPROXY":      {annotations: `"sidecar.istio.io/interceptionMode": "TPROXY"`, containers: []string{"istio-init istio-iptables", "istio-proxy proxy sidecar"}, refused: `mode "TPROXY": not what the stand-in does, wanted REDIRECT`},
		"gateway":     {annotations: `"inject.istio.io/templates": "gateway"`, containers: []string{"istio-proxy proxy router"}},
		"grpc-agent":  {annotations: `"inject.istio.io/templates": "grpc-agent"`, containers: []string{"istio-proxy proxy sidecar"}},
		"status port": {annotations: `"status.sidecar.istio.io/port": "15030"`, containers: []string{"istio-init istio-iptables", "istio-proxy proxy sidecar"}},
		"traffic": {annotations: `
			"traffic.sidecar.istio.io/includeOutboundIPRanges": "10.0.0.0/8,fd00::/8",
			"traffic.sidecar.istio.io/excludeOutboundIPRanges": "10.1.0.0/16",
			"traffic.sidecar.istio.io/includeInboundPorts": "80,443",
			"traffic.sidecar.istio.io/excludeInboundPorts": "22",
			"traffic.sidecar.istio.io/includeOutboundPorts": "9000",
			"traffic.sidecar.istio.io/excludeOutboundPorts": "25,26",
			"traffic.sidecar.istio.io/excludeInterfaces": "net1",
			"istio.io/reroute-virtual-interfaces": "net2,net3"`, containers: []string{"istio-init istio-iptables", "istio-proxy proxy sidecar"}},
		"traffic, all of it empty": {annotations: `
			"traffic.sidecar.istio.io/includeOutboundIPRanges": "",
			"traffic.sidecar.istio.io/includeInboundPorts": "",
			"traffic.sidecar.istio.io/includeOutboundPorts": "",
			"traffic.sidecar.istio.io/excludeOutboundPorts": "",
			"traffic.sidecar.istio.io/excludeInterfaces": "",
			"traffic.sidecar.istio.io/kubevirtInterfaces": ""`, containers: []string{"istio-init istio-iptables", "istio-proxy proxy sidecar"}},
	} {
		t.Run(sentence, func(t *testing.T) {
			pod := inject(t, outrigger, c.annotations, c.flags)
			var found []string
			for _, got := range slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers) {
				if strings.Contains(got.Image, "proxyv2") {
					found = append(found, got.Name+" "+honour(t, got, c.refused))
				}
			}
			if d := cmp.Diff(c.containers, found); d != "" {
				t.Errorf("containers (-want +got):\n%s", d)
			}
		})
	}
}

// inject is the pod in testdata with some annotations, as outrigger makes it.
func inject(t *testing.T, outrigger, annotations string, flags []string) injected {
	t.Helper()
	text, err := os.ReadFile("testdata/pod.json")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(outrigger, append([]string{"inject", "-o", "json", "-f", "-"}, flags...)...)
	cmd.Stdin = strings.NewReader(strings.Replace(string(text), `"annotations": {}`, `"annotations": {`+annotations+`}`, 1))
	var complaint strings.Builder
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, complaint.String())
	}
	var pod injected
	if err := json.Unmarshal(out, &pod); err != nil {
		t.Fatal(err)
	}
	return pod
}

// honour reads what a container passes, as its process would, and says what it runs.
func honour(t *testing.T, c container, refused string) string {
	t.Helper()
	p := program{env: c.env, stdout: io.Discard, stderr: io.Discard}
	for _, h := range []hook{c.Lifecycle.PostStart, c.Lifecycle.PreStop} {
		honourHook(t, p, h.Exec.Command)
	}
	if c.Args[0] == "istio-iptables" {
		_, err := redirect.Parse(c.Args[1:], c.env, io.Discard)
		if got := errorText(err); got != refused {
			t.Errorf("%s: error %q, want %q", c.Name, got, refused)
		}
		return c.Args[0]
	}
	role, err := p.role(c.Args[1:])
	if err != nil {
		t.Errorf("%s: %v", c.Name, err)
	}
	config, err := agent.Load(role, c.env, fstest.MapFS{})
	if err != nil {
		t.Errorf("%s: %v", c.Name, err)
	}
	if len(config.Probers) != 3 && role == "sidecar" && config.Envoy {
		t.Errorf("%s: %d probes, want the application's 3", c.Name, len(config.Probers))
	}
	return c.Args[0] + " " + role
}

// honourHook runs a hook of which only the command line is of interest: there is
// nobody to ask.
func honourHook(t *testing.T, p program, command []string) {
	t.Helper()
	if len(command) == 0 {
		return
	}
	if command[0] != "pilot-agent" {
		t.Errorf("hook %q, want pilot-agent", command)
		return
	}
	args := append(command[1:], "-h") // Flags are parsed in order: a wrong one comes first.
	if code := p.run(t.Context(), args); code != 0 {
		t.Errorf("hook %q: status %d", command, code)
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
