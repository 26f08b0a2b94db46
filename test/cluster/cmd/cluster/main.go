// Cluster runs a Kubernetes cluster with one real node on this machine, for trying things out.
// It needs root, Linux and a few Debian packages, and no container engine.
//
//	cluster deps     says what the machine lacks, and installs it where it is Debian's
//	cluster build    builds the programs that are not built yet, where they can be used
//	cluster up       starts it in the background, if it is not up
//	cluster images   gives it Outrigger's image and what tests put beside it, built here
//	cluster status   says whether it is up
//	cluster down     ends it, with all that it stored
//
// What is slow to make, the kubeconfig and the logs are in the folder that the environment
// variable OUTRIGGER_CACHE names, by default .cache in the repository.
//
// It ends with 0 when all is as it should be, with 1 when not (status: when it is not up;
// deps: when something is still missing), and with 64 for a wrong command line. Progress goes
// to standard error.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"outrigger.dev/outrigger/test/cluster"
	"outrigger.dev/outrigger/test/cluster/outrigger"
	"outrigger.dev/outrigger/test/controlplane/background"
	"outrigger.dev/outrigger/test/controlplane/binaries"
)

const usage = `Usage: cluster deps | build | up | images | status | down

    deps     say what this machine lacks, and install it where it is Debian's
    build    build the programs that are not built yet, where they can be used
    up       start a cluster in the background, if it is not up
    images   build Outrigger's image, a stand-in for Istio's proxy and an application,
             and give them to the cluster that is up
    status   say whether it is up
    down     end it, with all that it stored

Example:
    cluster deps && cluster up
    KUBECONFIG=.cache/cluster/controlplane/kubeconfig kubectl get nodes
`

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run carries out one command line and returns the exit status.
func run(args []string, stdout, stderr io.Writer) int {
	if len(args) != 1 {
		fmt.Fprint(stderr, usage)
		return 64
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	cache, err := binaries.Cache()
	if err != nil {
		fmt.Fprintln(stderr, "error:", err)
		return 1
	}
	s := service(filepath.Join(cache, "cluster"), stdout, stderr)
	switch args[0] {
	case "deps":
		err = install(ctx, cluster.Missing, stdout, stderr)
	case "build":
		err = build(ctx, stdout, stderr)
	case "up":
		err = s.Up(ctx)
	case "images":
		err = images(ctx, stdout)
	case "status":
		err = s.Status()
	case "down":
		err = s.Down(ctx)
	case background.ServeVerb:
		err = s.Serve(ctx)
	case "help", "-h", "-help", "--help":
		fmt.Fprint(stdout, usage)
	default:
		fmt.Fprint(stderr, usage)
		return 64
	}
	if err != nil {
		fmt.Fprintln(stderr, "error:", err)
		return 1
	}
	return 0
}

// build builds the programs of a cluster. On a machine that has no use for them it says so and
// builds nothing, which is no fault.
func build(ctx context.Context, stdout, stderr io.Writer) error {
	if needs := cluster.Missing(); len(needs) > 0 {
		fmt.Fprintln(stdout, "nothing is built:", missing(needs))
		return nil
	}
	_, err := binaries.BuildNode(ctx, stderr)
	return err
}

// images gives the cluster that is up the images that are built here, and prints their names.
func images(ctx context.Context, stdout io.Writer) error {
	store, err := cluster.OpenImages()
	if err != nil {
		return err
	}
	if err := outrigger.LoadInjector(ctx, store); err != nil {
		return err
	}
	if err := outrigger.LoadStandIn(ctx, store); err != nil {
		return err
	}
	for _, image := range []string{outrigger.InjectorImage, outrigger.ProxyImage, outrigger.AppImage} {
		fmt.Fprintln(stdout, image)
	}
	return nil
}

// use is what there is to do with a cluster; the first place is for its folder.
const use = `    export KUBECONFIG=%[1]s/controlplane/kubeconfig
    kubectl get nodes
    curl -k https://10.96.0.1/version    # Services answer from here, and so do pods

No registry is reached from the node. The images of this repository it gets by
go -C test/cluster run ./cmd/cluster images. There is no cluster DNS. logs: %[1]s/node and %[1]s/controlplane/logs
`

// service is the cluster that a person has up, one for a machine.
func service(dir string, stdout, stderr io.Writer) background.Service {
	return background.Service{
		Name: "the cluster", Dir: dir, Stdout: stdout, Stderr: stderr,
		Build: func(ctx context.Context) error {
			if needs := cluster.Missing(); len(needs) > 0 {
				return missing(needs)
			}
			_, err := binaries.BuildNode(ctx, stderr)
			return err
		},
		Start: func(ctx context.Context) (background.Running, error) {
			return cluster.Start(ctx, cluster.Options{Dir: dir, Progress: stderr})
		},
		Use: fmt.Sprintf(use, dir),
	}
}
