// Command size prints what memory Outrigger's server takes in a large cluster,
// and how long it takes to be ready. It fails where the memory is more than
// promised; of times, which depend on what else the machine does, it only tells.
//
//	size [-namespaces N] [-nodes N] [-pods N] [-clients N]
//
// It starts a control plane, installs Outrigger with its chart, fills the cluster
// with namespaces and nodes, starts the server anew and sends it the reviews of
// pods, as the API server does: over HTTPS, on connections that are kept.
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

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"outrigger.dev/outrigger/test/controlplane"
	"outrigger.dev/outrigger/test/e2e/injector"
)

const (
	// mostMemory is what the server may have resident at any time, in bytes.
	mostMemory = 128 << 20
	// mostTime is how long it may take to be ready in an empty cluster.
	mostTime = 2 * time.Second
)

// A scale is how large the cluster is and how much happens there.
type scale struct {
	namespaces, nodes, pods, clients int
}

func main() {
	log.SetFlags(0)
	var s scale
	flag.IntVar(&s.namespaces, "namespaces", 10_000, "how many there are; a tenth is labelled")
	flag.IntVar(&s.nodes, "nodes", 5_000, "how many there are; a tenth is older than native sidecars")
	flag.IntVar(&s.pods, "pods", 100_000, "how many reviews are sent in each of the two ways")
	flag.IntVar(&s.clients, "clients", 32, "how many send at a time")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, s); err != nil {
		log.Fatalf("size: %v", err)
	}
}

// run sets up, goes through the stages, and prints the table.
func run(ctx context.Context, s scale) error {
	return injector.Measure(ctx, "size", func(cluster *controlplane.ControlPlane, tools injector.Tools, logs string) error {
		server, err := injector.Install(ctx, cluster, tools, injector.Options{Logs: logs, Args: []string{"--native-sidecars=auto"}})
		if err != nil {
			return err
		}
		defer server.Kill()
		rows, err := s.stages(ctx, cluster, server)
		if err != nil {
			return err
		}
		fmt.Printf("%d namespaces, %d nodes, %d clients, %d cores for everything\n\n", s.namespaces, s.nodes, s.clients, runtime.NumCPU())
		return print(rows)
	})
}

// A row is what the server was like at one time.
type row struct {
	when string
	// ready is how long it took to be, where it has just been started.
	ready time.Duration
	memory
}

// stages takes the server from an empty cluster to a large one, and from no pods
// to many.
func (s scale) stages(ctx context.Context, cluster *controlplane.ControlPlane, server *injector.Injector) ([]row, error) {
	var rows []row
	// Without an authority it has to make one, as in a cluster that it is new in.
	if err := server.Stop(); err != nil {
		return nil, err
	}
	secrets := cluster.Client().CoreV1().Secrets(injector.Namespace)
	_, err := secrets.Patch(ctx, server.Name()+"-authority", types.MergePatchType, []byte(`{"data":null}`), metav1.PatchOptions{})
	if err != nil {
		return nil, err
	}
	empty, err := start(ctx, server, "ready, in an empty cluster")
	if err != nil {
		return nil, err
	}
	rows = append(rows, empty)
	if err := server.Stop(); err != nil {
		return nil, err
	}
	log.Printf("filling the cluster")
	if err := s.fill(ctx, cluster.Config()); err != nil {
		return nil, err
	}
	full, err := start(ctx, server, "ready, in the full one")
	if err != nil {
		return nil, err
	}
	rows = append(rows, full)
	sender, err := newSender(server.URL(), s)
	if err != nil {
		return nil, err
	}
	for _, stage := range []struct {
		when    string
		pods    int
		unalike bool
	}{
		{when: fmt.Sprintf("%d pods, fifty of each workload", s.pods/10), pods: s.pods / 10},
		{when: fmt.Sprintf("%d pods", s.pods), pods: s.pods - s.pods/10},
		{when: fmt.Sprintf("%d more, each of its own workload", s.pods), pods: s.pods, unalike: true},
	} {
		log.Printf("sending %d reviews", stage.pods)
		if err := sender.send(ctx, stage.pods, stage.unalike); err != nil {
			return nil, fmt.Errorf("%w\n%s", err, server.LogTail())
		}
		m, err := memoryOf(ctx, server)
		if err != nil {
			return nil, err
		}
		rows = append(rows, row{when: stage.when, memory: m})
		log.Printf("%s resident", mib(m.resident))
	}
	return rows, nil
}

// start starts the server, and returns what it is like when it is ready.
func start(ctx context.Context, server *injector.Injector, when string) (row, error) {
	began := time.Now()
	if err := server.Start(ctx); err != nil {
		return row{}, err
	}
	r := row{when: when, ready: time.Since(began)}
	var err error
	r.memory, err = memoryOf(ctx, server)
	return r, err
}

// print prints the table. Its error says that the memory is more than promised.
func print(rows []row) error {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "\tready after\tresident\tat most so far\tof it the program\tGo's heap in use\t")
	var most int64
	for _, r := range rows {
		most = max(most, r.peak)
		ready := ""
		if r.ready != 0 {
			ready = fmt.Sprintf("%.2f s", r.ready.Seconds())
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t\n", r.when, ready, mib(r.resident), mib(r.peak), mib(r.program), mib(r.heap))
	}
	fmt.Fprintf(w, "promised\t%.2f s\t%s\t%s\t\t\t\n", mostTime.Seconds(), mib(mostMemory), mib(mostMemory))
	if err := w.Flush(); err != nil {
		return err
	}
	if most > mostMemory {
		return fmt.Errorf("the server had %s resident, want at most %s", mib(most), mib(mostMemory))
	}
	return nil
}

func mib(bytes int64) string { return fmt.Sprintf("%.0f MiB", float64(bytes)/(1<<20)) }
