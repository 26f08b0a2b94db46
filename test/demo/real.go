package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"outrigger.dev/outrigger/test/controlplane/binaries"
)

// A real is the demo in a cluster with a node: what is deployed runs.
type real struct {
	*session
	// bin holds the programs, cluster the cluster's files.
	bin, cluster string
}

// newReal finds the repository and the cache from the working folder.
func newReal(out io.Writer) (*real, error) {
	d, err := newDemo(out)
	if err != nil {
		return nil, err
	}
	r := &real{session: d.session, bin: d.bin, cluster: filepath.Join(filepath.Dir(d.folder), "cluster")}
	r.env = []string{"KUBECONFIG=" + r.kubeconfig(), "PATH=" + r.bin + string(os.PathListSeparator) + os.Getenv("PATH")}
	return r, nil
}

func (r *real) kubeconfig() string { return filepath.Join(r.cluster, "controlplane", "kubeconfig") }

// What there is to build: the images that "cluster images" gives the node.
const (
	injectorImage = "image.repository=cluster.test/outrigger-injector,image.tag=built"
	proxyImage    = "global.hub=cluster.test,global.tag=standin"
	appImage      = "cluster.test/app:standin"
)

// up takes every step. Each can be taken again.
func (r *real) up(ctx context.Context) error {
	start := time.Now()
	for _, step := range []struct {
		text string
		take func(context.Context) error
	}{
		{"Building what is not built yet. The first time takes a while: Kubernetes is among it.", r.build},
		{"Starting a cluster on this machine, with a node that really runs pods.", r.startCluster},
		{"Giving the node its images, built here: Outrigger's, a stand-in for Istio's proxy, and a web server.", r.giveImages},
		{"Installing Outrigger with its chart. Two replicas run as pods.", r.install},
		{"Now what a user does.", r.deploy},
		{"The pod's containers, in the order in which they start:", r.show},
		{"A request from this machine to the deployment's Service:", r.ask},
		{"It went through the sidecar, which counts connections by the port that they were going to:", r.count},
	} {
		r.step(step.text)
		if err := step.take(ctx); err != nil {
			return err
		}
	}
	return r.farewell(ctx, time.Since(start))
}

func (r *real) build(ctx context.Context) error {
	// It builds images from the repository, and so is run in there, by go run.
	return r.session.build(ctx, r.bin, binaries.BuildNode, "cluster", "go build -C test/cluster -o /dev/null ./cmd/cluster")
}

// startCluster leaves what the command says after the first line for the farewell.
func (r *real) startCluster(ctx context.Context) error { return r.firstLine(ctx, "make cluster") }

// giveImages takes a minute or two.
func (r *real) giveImages(ctx context.Context) error {
	return r.run(ctx, "go run -C test/cluster ./cmd/cluster images")
}

func (r *real) install(ctx context.Context) error {
	// A Helm that was killed leaves a release that no other Helm touches.
	if err := r.quiet(ctx, "kubectl delete secrets --namespace "+namespace+" --selector owner=helm,name="+release+
		",status!=deployed,status!=superseded,status!=failed", io.Discard); err != nil {
		return err
	}
	if err := r.run(ctx, fmt.Sprintf("helm upgrade --install %s charts/outrigger --namespace %s --create-namespace --hide-notes --wait --set %s --set %s",
		release, namespace, injectorImage, proxyImage)); err != nil {
		return err
	}
	return r.run(ctx, "kubectl get pods --namespace "+namespace)
}

// deploy is what the demo is about. A mesh's control plane would make the ConfigMap, which
// the sidecar mounts.
func (r *real) deploy(ctx context.Context) error {
	for _, line := range []string{
		"kubectl delete service,deployment my-web --ignore-not-found --cascade=foreground",
		"kubectl delete configmap istio-ca-root-cert --ignore-not-found",
		"kubectl create configmap istio-ca-root-cert --from-literal=root-cert.pem=none",
	} {
		if err := r.quiet(ctx, line, io.Discard); err != nil {
			return err
		}
	}
	for _, line := range []string{
		"kubectl label namespace default istio-injection=enabled --overwrite",
		"kubectl create deployment my-web --image=" + appImage + " -- app serve",
		"kubectl expose deployment my-web --port=80 --target-port=8080",
		"kubectl rollout status deployment my-web --timeout=180s",
		"kubectl get pods --selector app=my-web",
	} {
		if err := r.run(ctx, line); err != nil {
			return err
		}
	}
	return nil
}

func (r *real) show(ctx context.Context) error {
	p, err := r.podOf(ctx, "my-web")
	if err != nil {
		return err
	}
	return p.containers(r.out)
}

// ask asks the Service. It takes the node a moment to route to one that is new, and the
// application to listen.
func (r *real) ask(ctx context.Context) error {
	address, err := r.service(ctx)
	if err != nil {
		return err
	}
	if _, err := exec.LookPath("curl"); err != nil {
		return fmt.Errorf("curl: not installed on this machine; ask http://%s/ by other means", address)
	}
	return r.run(ctx, "curl --silent --show-error --retry 10 --retry-delay 1 --retry-all-errors http://"+address+"/")
}

// count shows the sidecar's own counters.
func (r *real) count(ctx context.Context) error {
	p, err := r.podOf(ctx, "my-web")
	if err != nil {
		return err
	}
	line := "curl --silent --show-error " + p.counters()
	fmt.Fprintf(r.out, "  $ %s | grep connections_total\n", line)
	text, err := r.output(ctx, line)
	if err != nil {
		return err
	}
	found := false
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "standin_connections_total{") {
			found = true
			fmt.Fprint(r.out, "  "+line)
		}
	}
	if !found {
		return errors.New("the sidecar has counted no connection: the request did not go through it")
	}
	return nil
}

// counters is where a pod's sidecar tells of itself.
func (p pod) counters() string { return "http://" + p.Status.PodIP + ":15090/stats/prometheus" }

// service is the address of the deployment's Service.
func (r *real) service(ctx context.Context) (string, error) {
	text, err := r.output(ctx, "kubectl get service my-web -o jsonpath={.spec.clusterIP}")
	return string(text), err
}

// farewell says how to go on.
func (r *real) farewell(ctx context.Context, took time.Duration) error {
	address, err := r.service(ctx)
	if err != nil {
		return err
	}
	p, err := r.podOf(ctx, "my-web")
	if err != nil {
		return err
	}
	fmt.Fprintf(r.out, `
It took %.0f seconds, and stays up until "make cluster-down". To use it from this shell:

    export KUBECONFIG=%s
    export PATH=%s:$PATH

Five things to try:

  ask again, and see the count go up
    curl http://%s/
    curl -s %s | grep connections_total

  what redirects the traffic: the rules that istio-init has set in the pod
    kubectl logs deployment/my-web -c istio-init

  a pod that opts out
    kubectl run shy --image=%s --labels=sidecar.istio.io/inject=false -- serve
    kubectl get pods

  why a pod has its sidecar, or none, and for any manifest on the page of a replica
    outrigger explain deployment/my-web
    outrigger dashboard

  Outrigger replaced under your feet, and a pod created meanwhile
    kubectl -n %s rollout restart deployment/outrigger-injector
    kubectl scale deployment my-web --replicas=3

No registry is reached from the node. Logs: %s/node and %s/controlplane/logs
`, took.Seconds(), r.kubeconfig(), r.bin, address, p.counters(), appImage, namespace, r.cluster, r.cluster)
	return nil
}
