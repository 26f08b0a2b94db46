// Controlplane builds and runs a real Kubernetes control plane on this machine, for trying
// things out. It needs neither root nor a container engine.
//
//	controlplane build    builds the programs that are not built yet; with folders of modules
//	                      besides, those that run beside a control plane, too
//	controlplane up       starts it in the background, if it is not up
//	controlplane status   says whether it is up
//	controlplane down     ends it, with all that it stored
//
// What is slow to make, and the kubeconfig, are in the folder that the environment variable
// OUTRIGGER_CACHE names, by default .cache in the repository.
//
// It ends with 0 when all is as it should be, with 1 when not (status: when it is not up),
// and with 64 for a wrong command line. Progress goes to standard error.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"outrigger.dev/outrigger/test/controlplane"
	"outrigger.dev/outrigger/test/controlplane/background"
	"outrigger.dev/outrigger/test/controlplane/binaries"
)

const usage = `Usage: controlplane build [FOLDER...] | up | status | down

    build    build the programs that are not built yet, ten minutes the first time; and
             with FOLDERs that of each module, such as ../certmanager
    up       start a control plane in the background, if it is not up
    status   say whether it is up
    down     end it, with all that it stored

Example:
    controlplane up
    KUBECONFIG=.cache/demo/kubeconfig kubectl get nodes
`

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run carries out one command line and returns the exit status.
func run(args []string, stdout, stderr io.Writer) int {
	if len(args) == 0 || len(args) > 1 && args[0] != "build" {
		fmt.Fprint(stderr, usage)
		return 64
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	cache, err := binaries.Cache()
	if err != nil {
		fmt.Fprintln(stderr, "controlplane:", err)
		return 1
	}
	s := service(filepath.Join(cache, "demo"), stdout, stderr)
	switch args[0] {
	case "build":
		err = build(ctx, stderr, args[1:])
	case "up":
		err = s.Up(ctx)
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
		fmt.Fprintln(stderr, "controlplane:", err)
		return 1
	}
	return 0
}

// build has the programs of a control plane ready, and those of modules in folders.
func build(ctx context.Context, progress io.Writer, folders []string) error {
	if _, err := binaries.Build(ctx, progress); err != nil {
		return err
	}
	for _, folder := range folders {
		if _, err := binaries.BuildModule(ctx, progress, folder); err != nil {
			return err
		}
	}
	return nil
}

// service is the control plane that a person has up, one for a cache.
func service(dir string, stdout, stderr io.Writer) background.Service {
	return background.Service{
		Name: "the control plane", Dir: dir, Stdout: stdout, Stderr: stderr,
		Build: func(ctx context.Context) error {
			_, err := binaries.Build(ctx, stderr)
			return err
		},
		Start: func(ctx context.Context) (background.Running, error) {
			return controlplane.Start(ctx, controlplane.Options{Dir: dir, Progress: stderr})
		},
		Use: fmt.Sprintf("    export KUBECONFIG=%s\n\nlogs: %s\n",
			filepath.Join(dir, "kubeconfig"), filepath.Join(dir, "logs")),
	}
}
