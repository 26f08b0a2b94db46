package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"outrigger.dev/outrigger/test/cluster/internal/node"
	"outrigger.dev/outrigger/test/controlplane"
	"outrigger.dev/outrigger/test/controlplane/binaries"
)

// NodeName is the name of the only node.
const NodeName = "node"

// Options are what a cluster can be started with. The zero value is right for most tests.
type Options struct {
	// Dir is the folder for the kubeconfig and for logs, of one cluster at a time. After Stop
	// the logs stay. Empty, it is a temporary folder, which is gone after Stop.
	Dir string

	// Plugins are CNI plugins that run for each pod after the network's own, in their order.
	Plugins []Plugin

	// APIServerArgs are flags for kube-apiserver, stronger than those it gets anyway.
	APIServerArgs []string

	// Progress is told of each program that is built. Nil stands for standard error.
	Progress io.Writer
}

// Cluster is one that runs: a control plane, with all of its methods, and a node. Its methods
// may be called from any goroutine.
type Cluster struct {
	*controlplane.ControlPlane
	*ImageStore

	dir       string
	temporary bool
	node      *node.Node
	network   bool // the link to the node was made

	stopOnce sync.Once
	stopped  error
}

func init() { node.Enter() }

// startLimit is how long a start may take, building apart. It takes a quarter of a minute on
// an idle machine.
const startLimit = 4 * time.Minute

// Start builds what is missing, starts a cluster and returns when its node is ready for pods
// and Services have addresses that answer. Where [Missing] has something to say it does not
// try.
//
// There is one cluster on a machine at a time. Start waits for another to go, for minutes, and
// says so to [Options.Progress].
//
// ctx bounds the start alone. If that fails nothing is left behind, but for logs in
// [Options.Dir].
func Start(ctx context.Context, options Options) (*Cluster, error) {
	if needs := Missing(); len(needs) > 0 {
		return nil, missingError(needs)
	}
	if options.Progress == nil {
		options.Progress = os.Stderr
	}
	paths, err := binaries.BuildNode(ctx, options.Progress)
	if err != nil {
		return nil, err
	}
	lock, err := lockMachine(ctx, options.Progress)
	if err != nil {
		return nil, err
	}
	defer lock.Close() // the node's keeper has it, too, and keeps it for longer
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	c := &Cluster{}
	if err := c.start(ctx, options, paths, lock); err != nil {
		return nil, errors.Join(err, c.Stop())
	}
	return c, nil
}

// start starts the parts in the order in which they need each other: the API server listens
// at this machine's end of the link to the node.
func (c *Cluster) start(ctx context.Context, options Options, paths binaries.Paths, lock *os.File) error {
	if err := c.makeDir(options.Dir); err != nil {
		return err
	}
	nodeOptions := node.Options{Dir: stateDir, Logs: c.logs(), Cgroup: cgroup, Name: NodeName, Lock: lock}
	if c.temporary {
		nodeOptions.Doomed = c.dir
	}
	var err error
	if nodeOptions.Vacant, err = makeBuildFolders(); err != nil {
		return err
	}
	if c.node, err = node.Start(nodeOptions); err != nil {
		return err
	}
	c.ImageStore = &ImageStore{command: c.node.Command}
	if err := c.connect(ctx); err != nil {
		return err
	}
	c.ControlPlane, err = controlplane.Start(ctx, controlplane.Options{
		Nodes: -1, Dir: filepath.Join(c.dir, "controlplane"), Progress: options.Progress,
		Address: net.ParseIP(hostAddress),
		// The API server reaches the Service of a webhook as everybody else does.
		APIServerArgs: append([]string{"--enable-aggregator-routing=false"}, options.APIServerArgs...),
	})
	if err != nil {
		return err
	}
	if err := c.writeConfig(options.Plugins); err != nil {
		return err
	}
	if err := c.startRuntime(ctx); err != nil {
		return err
	}
	return c.startKubelet(ctx, paths)
}

// startRuntime starts containerd and gives it the image that every pod needs.
func (c *Cluster) startRuntime(ctx context.Context) error {
	if err := c.node.Run("containerd", "containerd", "--config", "/var/lib/containerd/config.toml"); err != nil {
		return err
	}
	if err := c.wait(ctx, "containerd", c.runtimeReady); err != nil {
		return err
	}
	return c.BuildGo(ctx, pausePackage, pauseImage)
}

// startKubelet starts the kubelet and kube-proxy.
func (c *Cluster) startKubelet(ctx context.Context, paths binaries.Paths) error {
	err := c.node.Run("kubelet", paths.Kubelet,
		"--config=/var/lib/kubelet/config.yaml", "--kubeconfig=/var/lib/kubelet/kubeconfig",
		"--hostname-override="+NodeName, "--node-ip="+nodeAddress)
	if err != nil {
		return err
	}
	if err := c.node.Run("kube-proxy", paths.KubeProxy, "--config=/var/lib/kube-proxy/config.yaml"); err != nil {
		return err
	}
	if err := c.wait(ctx, "node", c.nodeReady); err != nil {
		return err
	}
	if err := c.wait(ctx, "kube-proxy", c.serviceReady); err != nil {
		return err
	}
	return os.WriteFile(keeperFile, []byte(strconv.Itoa(c.node.PID())), 0o600)
}

// RestartKubelet ends the node's kubelet as its service manager would, starts it again and
// returns when it answers. Containers run on meanwhile.
func (c *Cluster) RestartKubelet(ctx context.Context) error {
	if err := c.node.Restart("kubelet"); err != nil {
		return err
	}
	return c.wait(ctx, "kubelet", c.kubeletReady)
}

// Wait returns when ctx is done, with nil, or when a part of the cluster has ended by itself,
// with the reason.
func (c *Cluster) Wait(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case <-c.node.Ended():
			cancel(c.nodeError())
		case <-ctx.Done():
		}
	}()
	if err := c.ControlPlane.Wait(ctx); err != nil {
		return err
	}
	if cause := context.Cause(ctx); errors.As(cause, new(*endedError)) {
		return cause
	}
	return nil
}

// Stop ends everything and returns when it has gone: processes, containers, mounts, cgroups,
// network and folders. Every further call waits for the first and returns what that did.
func (c *Cluster) Stop() error {
	c.stopOnce.Do(func() {
		if c.ControlPlane != nil {
			c.stopped = errors.Join(c.stopped, c.ControlPlane.Stop())
		}
		if c.node != nil {
			c.stopped = errors.Join(c.stopped, c.node.Stop())
		}
		if c.network {
			c.stopped = errors.Join(c.stopped, awaitNoLink())
		}
		if c.temporary {
			c.stopped = errors.Join(c.stopped, os.RemoveAll(c.dir))
		}
	})
	return c.stopped
}

// makeDir makes the folder for what people may read.
func (c *Cluster) makeDir(dir string) (err error) {
	c.temporary = dir == ""
	if c.temporary {
		c.dir, err = os.MkdirTemp("", "cluster-")
	} else {
		c.dir, err = filepath.Abs(dir)
	}
	if err != nil {
		return err
	}
	if err := os.RemoveAll(c.logs()); err != nil {
		return err
	}
	return os.MkdirAll(c.logs(), 0o755)
}

// logs is the folder with what the node's programs write.
func (c *Cluster) logs() string { return filepath.Join(c.dir, "node") }

// Dir is the folder that has the logs: of the control plane in controlplane/logs, of the
// node's programs in node.
func (c *Cluster) Dir() string { return c.dir }

// wait asks ready again and again until it says yes, and gives up when ctx does or the node
// has ended. The error has the last reason for a no.
func (c *Cluster) wait(ctx context.Context, what string, ready func(context.Context) error) error {
	for {
		err := ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-c.node.Ended():
			return c.nodeError()
		case <-ctx.Done():
			return fmt.Errorf("%s: not ready: %w (%w)\n%s", what, err, ctx.Err(), c.lastWords(what))
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// endedError says why the node has ended.
type endedError struct{ why string }

func (e *endedError) Error() string { return e.why }

// nodeError says why the node has ended, and what the program to blame wrote last.
func (c *Cluster) nodeError() error {
	name, _, _ := strings.Cut(c.node.Why(), " ")
	return &endedError{strings.TrimSpace("node: " + c.node.Why() + "\n" + c.lastWords(name))}
}

// lastWords is the end of the log of one of the node's programs, or "" if what is none.
func (c *Cluster) lastWords(what string) string {
	if what == "node" {
		what = "kubelet"
	}
	text, err := os.ReadFile(filepath.Join(c.logs(), what+".log"))
	if err != nil {
		return ""
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-15):], "\n")
}
