package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"outrigger.dev/outrigger/test/controlplane/binaries"
)

// A demo is where things are, and the session that they are shown in.
type demo struct {
	*session
	addresses
	// folder holds the control plane's files and, below bin, the programs.
	folder, bin string
	injector    server
}

// newDemo finds the repository and the cache from the working folder.
func newDemo(out io.Writer) (*demo, error) {
	cache, err := binaries.Cache()
	if err != nil {
		return nil, err
	}
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		return nil, err
	}
	folder := filepath.Join(cache, "demo")
	d := &demo{folder: folder, bin: filepath.Join(folder, "bin")}
	d.injector = server{file: d.at("injector.lock"), log: d.at("logs", "outrigger-injector.log")}
	d.session = &session{out: out, dir: root, env: []string{
		"KUBECONFIG=" + d.at("kubeconfig"),
		"PATH=" + d.bin + string(os.PathListSeparator) + os.Getenv("PATH"),
	}}
	return d, nil
}

// at is a path below the demo's folder.
func (d *demo) at(path ...string) string {
	return filepath.Join(append([]string{d.folder}, path...)...)
}

// up takes every step. Each can be taken again, so that it does not matter where
// an earlier run was cut short.
func (d *demo) up(ctx context.Context) error {
	start := time.Now()
	for _, step := range []struct {
		text string
		take func(context.Context) error
	}{
		{"Building what is not built yet. The first time takes a while: Kubernetes is among it.", d.build},
		{"Starting a control plane on this machine. Only the nodes are played: no container really runs.", d.startControlPlane},
		{"Installing Outrigger with its chart, for a server outside the cluster: here.", d.install},
		{"Starting the server, with the rights of the chart's ServiceAccount and no more.", d.startInjector},
		{"Now what a user does.", d.deploy},
		{"The pod's containers, in the order in which they start:", d.show},
	} {
		d.step(step.text)
		if err := step.take(ctx); err != nil {
			return err
		}
	}
	d.farewell(time.Since(start))
	return nil
}

// down stops the server and the control plane.
func (d *demo) down(ctx context.Context) error {
	if err := d.injector.stop(); err != nil {
		return fmt.Errorf("outrigger-injector: %w", err)
	}
	return d.quiet(ctx, "go run -C test/controlplane ./cmd/controlplane down", d.out)
}

// build makes the programs.
func (d *demo) build(ctx context.Context) error {
	return d.session.build(ctx, d.bin, binaries.Build, "controlplane", "go build -C test/controlplane -o "+d.bin+" ./cmd/controlplane")
}

// startControlPlane leaves what the command says after the first line for the farewell.
func (d *demo) startControlPlane(ctx context.Context) error {
	return d.firstLine(ctx, "controlplane up")
}

// deploy is what the demo is about.
func (d *demo) deploy(ctx context.Context) error {
	if err := d.run(ctx, "kubectl label namespace default istio-injection=enabled --overwrite"); err != nil {
		return err
	}
	there, err := d.output(ctx, "kubectl get deployment my-nginx --ignore-not-found -o name")
	if err != nil {
		return err
	}
	if len(there) > 0 { // from a run before this one
		if err := d.run(ctx, "kubectl delete deployment my-nginx --cascade=foreground"); err != nil {
			return err
		}
	}
	for _, line := range []string{
		"kubectl create deployment my-nginx --image=nginx:latest",
		"kubectl rollout status deployment my-nginx --timeout=60s",
		"kubectl get pods --selector app=my-nginx",
	} {
		if err := d.run(ctx, line); err != nil {
			return err
		}
	}
	return nil
}

// show tells of the pod: its containers, and who injected it and why.
func (d *demo) show(ctx context.Context) error {
	p, err := d.podOf(ctx, "my-nginx")
	if err != nil {
		return err
	}
	if err := p.containers(d.out); err != nil {
		return err
	}
	d.step("Who injected it and why, from the API server's own audit log:")
	v, err := verdictOn(p, d.at("logs", "audit.log"))
	if err != nil {
		return err
	}
	v.write(d.out)
	if v.webhook == "namespace.injector.outrigger.dev" && v.said["reason"] == "policy" {
		fmt.Fprintf(d.out, `
    In words: namespace %q is labelled istio-injection=enabled, so the API server
    asked Outrigger. Nothing on the pod speaks against a sidecar, so it got one.
    Other words there are, and what they mean: docs/decision.md
`, p.Metadata.Namespace)
	}
	return nil
}

// podOf reads the only pod of a deployment.
func (s *session) podOf(ctx context.Context, deployment string) (pod, error) {
	text, err := s.output(ctx, "kubectl get pods --selector app="+deployment+" -o json")
	if err != nil {
		return pod{}, err
	}
	var list struct{ Items []pod }
	if err := json.Unmarshal(text, &list); err != nil {
		return pod{}, err
	}
	if len(list.Items) != 1 {
		return pod{}, fmt.Errorf("deployment %q: %d pods, want 1", deployment, len(list.Items))
	}
	return list.Items[0], nil
}

// farewell says how to go on.
func (d *demo) farewell(took time.Duration) {
	fmt.Fprintf(d.out, `
It took %.0f seconds, and stays up until "make demo-down". To use it from this shell:

    export KUBECONFIG=%s
    export PATH=%s:$PATH

Four things to try:

  a pod that opts out
    kubectl run shy --image=nginx:latest --labels=sidecar.istio.io/inject=false
    kubectl get pods

  what would be added to a manifest, without asking the cluster
    kubectl create deployment web --image=nginx:latest --dry-run=client -o yaml | outrigger inject -f - -o diff

  a pod that asks for what is not there, and is told so
    kubectl run odd --image=nginx:latest --annotations=inject.istio.io/templates=nosuch

  why it was, in the terminal, and for any manifest on a page in a browser
    outrigger explain deployment/my-nginx
    xdg-open http://%s/

Logs: %s    Metrics: http://%s/metrics
`, took.Seconds(), d.at("kubeconfig"), d.bin, d.dryRun, d.at("logs"), d.metrics)
}
