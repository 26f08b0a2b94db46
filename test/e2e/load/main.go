// Command load creates pods on a real API server, from many clients at a time,
// with and without Outrigger in the way, and prints what each cost.
//
//	load [-clients N] [-for T]
//
// It starts a control plane without nodes, installs Outrigger with its chart, and
// runs the server beside it on this machine: everything shares its cores, the
// clients among them. Each client creates a pod and deletes it, over and over,
// for so long in each of the [phases].
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"runtime"
	"text/tabwriter"
	"time"

	"outrigger.dev/outrigger/test/controlplane"
	"outrigger.dev/outrigger/test/e2e/injector"
)

func main() {
	log.SetFlags(0)
	clients := flag.Int("clients", 16, "how many create pods at a time")
	length := flag.Duration("for", 20*time.Second, "how long each phase lasts")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := load(ctx, *clients, *length); err != nil {
		log.Fatalf("load: %v", err)
	}
}

// A phase is one way to create pods.
type phase struct {
	name string
	// labels are the namespace's.
	labels map[string]string
	// installed says whether Outrigger is there.
	installed bool
	// unlike says that each pod is the first of its workload.
	unlike bool
}

var enabled = map[string]string{"istio-injection": "enabled"}

var phases = []phase{
	{name: "Outrigger not installed", labels: enabled},
	{name: "namespace not labelled", installed: true},
	{name: "labelled, one workload", labels: enabled, installed: true},
	{name: "labelled, each pod another workload", labels: enabled, installed: true, unlike: true},
}

// load sets up, goes through the phases, and prints the table.
func load(ctx context.Context, clients int, length time.Duration) error {
	return injector.Measure(ctx, "load", func(cluster *controlplane.ControlPlane, tools injector.Tools, logs string) error {
		var results []result
		var server *injector.Injector
		for i, p := range phases {
			if p.installed && server == nil {
				var err error
				if server, err = injector.Install(ctx, cluster, tools, injector.Options{Logs: logs}); err != nil {
					return err
				}
				defer server.Kill()
			}
			log.Printf("%s: %d clients for %s", p.name, clients, length)
			r, err := p.run(ctx, cluster, server, fmt.Sprintf("load-%d", i), clients, length)
			if err != nil {
				return fmt.Errorf("%s: %w", p.name, err)
			}
			results = append(results, r)
		}
		fmt.Printf("%d clients, %s for each line, %d cores for everything\n\n", clients, length, runtime.NumCPU())
		return print(results)
	})
}

// print prints the table.
func print(results []result) error {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "\tpods/s\tto create: p50\tp99\tmax\tcalls a pod\twebhook by the API server: mean\tp50\tp99\tmax\tserver: CPU a call\tof a core\tresident\trecalled\t")
	for _, r := range results {
		fmt.Fprintf(w, "%s\t%.0f\t%s\t%s\t%s\t", r.phase, r.perSecond(), r.created(0.5), r.created(0.99), r.created(1))
		if r.webhook.count == 0 {
			fmt.Fprint(w, "0.0\t\t\t\t\t\t\t\t\t\n")
			continue
		}
		fmt.Fprintf(w, "%.1f\t%s\t%s\t%s\t%s\t%s\t%.0f %%\t%.0f MiB\t%.0f %%\t\n",
			r.webhook.count/float64(len(r.creations)), ms(r.webhook.sum/r.webhook.count),
			r.webhook.below(0.5), r.webhook.below(0.99), r.webhook.below(1),
			ms(r.cpu/r.webhook.count), 100*r.cpu/r.took.Seconds(), r.resident/(1<<20), 100*r.recalled/r.webhook.count)
	}
	return w.Flush()
}

// ms is a time in milliseconds.
func ms(seconds float64) string { return fmt.Sprintf("%.2f ms", seconds*1000) }
