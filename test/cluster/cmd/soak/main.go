// Command soak proves in a cluster with a real node that no pod fails to be created, and none
// is without its sidecar, whatever happens to Outrigger in good order; and counts what is lost
// when its processes are killed:
//
//	soak [-rate N] [-for T]
//
// The package soak has what happens meanwhile. It starts the cluster, which needs what "cluster
// deps" installs, and ends with 0 if nothing was lost but by a kill.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"outrigger.dev/outrigger/test/cluster"
	"outrigger.dev/outrigger/test/cluster/outrigger"
	"outrigger.dev/outrigger/test/cluster/soak"
)

func main() {
	rate := flag.Int("rate", 50, "how many pods are created a second")
	length := flag.Duration("for", 5*time.Minute, "how long the first run is, at least; the second is a fifth of it")
	flag.Parse()
	if *rate < 1 || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(64)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *rate, *length); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		stop()
		os.Exit(1)
	}
}

// run starts the cluster, and makes the runs one after the other.
func run(ctx context.Context, rate int, length time.Duration) (err error) {
	c, err := cluster.Start(ctx, cluster.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Stop()) }()
	if err := outrigger.LoadStandIn(ctx, c.ImageStore); err != nil {
		return err
	}
	// As long as a cluster would wait, whatever this machine does besides.
	values := []string{"webhook.timeoutSeconds=5"}
	for _, r := range []struct {
		name   string
		run    func(context.Context, *cluster.Cluster, soak.Options) (*soak.Report, error)
		length time.Duration
		// lossless says that nothing may be lost.
		lossless bool
	}{
		{"an authority of its own", soak.SelfSigned, length, true},
		{"a certificate from a Secret", soak.Files, length / 5, true}, // all of it takes seconds
		{"killed", soak.Killed, 0, false},
	} {
		fmt.Fprintf(os.Stderr, "soaking: %s\n", r.name)
		report, failed := r.run(ctx, c, soak.Options{Rate: rate, For: r.length, Values: values})
		if report != nil {
			fmt.Printf("%s: %s\n", r.name, report)
			if lost := report.Lost(); lost != nil {
				fmt.Println(lost)
				if r.lossless {
					err = errors.Join(err, fmt.Errorf("%s: something was lost", r.name))
				}
			}
		}
		if failed != nil {
			return errors.Join(err, failed)
		}
	}
	return err
}
