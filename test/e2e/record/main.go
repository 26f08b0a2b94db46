// Command record writes down the reviews that a real API server asks about pods,
// for benchmarks that start from what is true.
//
//	record DIR
//
// It starts a control plane, has it ask about the pods of one namespace, makes
// the workloads in [workloads], and writes the body of each first question to
// DIR/NAME.json, byte for byte. The pods are let through as they are.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"outrigger.dev/outrigger/test/controlplane"
)

// limit is how long the recording may take, building apart. It takes seconds.
const limit = 3 * time.Minute

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("usage: record DIR")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := record(ctx, os.Args[1]); err != nil {
		log.Fatalf("record: %v", err)
	}
}

// record makes every workload on a control plane of its own and writes what the
// API server asks about their pods into dir.
func record(ctx context.Context, dir string) (err error) {
	cluster, err := controlplane.Start(ctx, controlplane.Options{})
	if err != nil {
		return err
	}
	defer func() {
		if stopped := cluster.Stop(); err == nil {
			err = stopped
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	heard := newHook()
	defer heard.server.Close()
	if err := heard.register(ctx, cluster.Client()); err != nil {
		return err
	}
	for _, w := range workloads() {
		if err := w.make(ctx, cluster); err != nil {
			return err
		}
		for _, name := range w.names {
			body, err := heard.next(ctx)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			if err := os.WriteFile(filepath.Join(dir, name+".json"), body, 0o644); err != nil {
				return err
			}
			fmt.Printf("%-24s %7d bytes\n", name, len(body))
		}
	}
	return nil
}
