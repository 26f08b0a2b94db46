// Command look prints how long the command line takes to look at a large cluster, and what
// memory it takes. It fails where the memory is more than promised; of times, which
// depend on what else the machine does, it only tells.
//
//	look [-namespaces N] [-pods N] [-replicas N]
//
// It starts a control plane without nodes, installs Outrigger with its chart, makes
// namespaces with Deployments until there are so many pods, as pods are made anywhere,
// and then, when the cluster has come to rest, looks as a user would.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"outrigger.dev/outrigger/test/controlplane"
	"outrigger.dev/outrigger/test/e2e/injector"
)

// mostMemory is what the command line may have resident at any time, in bytes, and
// mostTime how long a look should take.
const (
	mostMemory = 200 << 20
	mostTime   = 10 * time.Second
)

// looks are what is timed.
var looks = [][]string{{"analyze", "-A"}, {"analyze", "-A", "-o", "json"}, {"analyze", "-n", "team-00001"}, {"status", "-A"}, {"status", "-A", "-o", "json"}}

// A scale is how large the cluster is.
type scale struct{ namespaces, pods, replicas int }

func main() {
	log.SetFlags(0)
	var s scale
	flag.IntVar(&s.namespaces, "namespaces", 200, "how many there are; half are labelled before there are pods, a tenth after")
	flag.IntVar(&s.pods, "pods", 5_000, "how many there are")
	flag.IntVar(&s.replicas, "replicas", 5, "how many of them are of one Deployment")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, s); err != nil {
		log.Fatalf("look: %v", err)
	}
}

// run sets up, fills the cluster, looks, and prints.
func run(ctx context.Context, s scale) error {
	return injector.Measure(ctx, "look", func(cluster *controlplane.ControlPlane, tools injector.Tools, logs string) error {
		tools, err := tools.BuildCLI(ctx, logs)
		if err != nil {
			return err
		}
		server, err := injector.Install(ctx, cluster, tools, injector.Options{Logs: logs})
		if err != nil {
			return err
		}
		defer server.Kill()
		log.Printf("making %d pods in %d namespaces", s.pods, s.namespaces)
		if err := s.fill(ctx, cluster.Config()); err != nil {
			return err
		}
		return print(ctx, tools.CLI, cluster.Kubeconfig())
	})
}

// print looks, and prints a row for each look. Its error says that memory was more than
// promised.
func print(ctx context.Context, cli, kubeconfig string) error {
	var most int64
	for _, args := range looks {
		began := time.Now()
		peak, worked, said, err := look(ctx, cli, kubeconfig, args)
		if err != nil {
			return err
		}
		most = max(most, peak)
		fmt.Printf("outrigger %-24s %6.2f s of %.0f s, %.2f s of them at work; %d MiB of %d MiB: %s\n",
			strings.Join(args, " "), time.Since(began).Seconds(), mostTime.Seconds(), worked.Seconds(), peak>>20, mostMemory>>20, said)
	}
	if most > mostMemory {
		return fmt.Errorf("the command line had %d MiB resident, want at most %d", most>>20, mostMemory>>20)
	}
	return nil
}

// look runs the command line, and says what it had resident at most, how long cores worked
// for it, and what it said last.
func look(ctx context.Context, cli, kubeconfig string, args []string) (peak int64, worked time.Duration, said string, err error) {
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(ctx, cli, append(args, "--kubeconfig", kubeconfig)...)
	cmd.Stdout, cmd.Stderr, cmd.Dir = &out, &errs, filepath.Dir(cli)
	err = cmd.Run()
	const findings = 79
	if cmd.ProcessState == nil || err != nil && cmd.ProcessState.ExitCode() != findings {
		return 0, 0, "", fmt.Errorf("outrigger %s: %w\n%s", strings.Join(args, " "), err, errs.Bytes())
	}
	usage := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	lines := strings.Split(strings.TrimSpace(errs.String()), "\n")
	if said = lines[len(lines)-1]; said == "" {
		said = fmt.Sprintf("%d lines", bytes.Count(out.Bytes(), []byte("\n")))
	}
	worked = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	return usage.Maxrss << 10, worked, said, nil
}
