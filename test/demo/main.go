// Command demo shows Outrigger at work on a real Kubernetes API server, on a
// machine that has Go and git and nothing else to do with Kubernetes:
//
//	demo up      build, start, install, inject; stays up
//	demo down    stop everything that up started
//	demo real    the same with a real node, in the cluster of test/cluster, which stays
//	             up: pods run, and what they are asked goes through their sidecars
//
// Each command that a person would type is shown with what it prints. What it
// builds and writes is in the cache folder; an interrupted run can be run again.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	if len(os.Args) != 2 || targets[os.Args[1]].start == "" {
		fmt.Fprintln(os.Stderr, "usage: demo up|down|real")
		os.Exit(64)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := do(ctx, os.Args[1])
	switch {
	case ctx.Err() != nil:
		make := targets[os.Args[1]]
		fmt.Fprintf(os.Stderr, "\ndemo: interrupted; %q goes on from here, %q stops what is up\n", make.start, make.stop)
		os.Exit(130)
	case err != nil:
		fmt.Fprintf(os.Stderr, "\ndemo: %v\n", err)
		os.Exit(1)
	}
}

// do carries out a command.
func do(ctx context.Context, command string) error {
	if command == "real" {
		r, err := newReal(os.Stdout)
		if err != nil {
			return err
		}
		return r.up(ctx)
	}
	d, err := newDemo(os.Stdout)
	if err != nil {
		return err
	}
	if command == "down" {
		return d.down(ctx)
	}
	return d.up(ctx)
}

// targets are what a person types for a command, and to end what it has started.
var targets = map[string]struct{ start, stop string }{
	"up":   {"make demo", "make demo-down"},
	"down": {"make demo", "make demo-down"},
	"real": {"make demo-real", "make cluster-down"},
}
