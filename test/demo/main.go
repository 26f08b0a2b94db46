// Command demo shows Outrigger at work on a real Kubernetes API server, on a
// machine that has Go and git and nothing else to do with Kubernetes:
//
//	demo up      build, start, install, inject; stays up
//	demo down    stop everything that up started
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
	if len(os.Args) != 2 || os.Args[1] != "up" && os.Args[1] != "down" {
		fmt.Fprintln(os.Stderr, "usage: demo up|down")
		os.Exit(64)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	d, err := newDemo(os.Stdout)
	if err == nil && os.Args[1] == "up" {
		err = d.up(ctx)
	} else if err == nil {
		err = d.down(ctx)
	}
	switch {
	case ctx.Err() != nil:
		fmt.Fprintln(os.Stderr, "\ndemo: interrupted; \"make demo\" goes on from here, \"make demo-down\" stops what is up")
		os.Exit(130)
	case err != nil:
		fmt.Fprintf(os.Stderr, "\ndemo: %v\n", err)
		os.Exit(1)
	}
}
