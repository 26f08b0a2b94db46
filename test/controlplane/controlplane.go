package controlplane

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"sync"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"outrigger.dev/outrigger/test/controlplane/binaries"
)

// Options are what a control plane can be started with. The zero value is right for most
// tests.
type Options struct {
	// Nodes is how many nodes there are. 0 stands for 2; with less than 0 there are none,
	// and no kwok, for those who bring kubelets of their own.
	Nodes int

	// Dir is the folder for data, keys, kubeconfigs and logs, of one control plane at a
	// time. What an earlier one has left in it is removed. After Stop the logs stay. Empty,
	// it is a temporary folder, which is gone after Stop.
	Dir string

	// Address is one of this machine's, for the API server to listen at. Nil, it is
	// 127.0.0.1, where no pod of a real node reaches it.
	Address net.IP

	// APIServerArgs are flags for kube-apiserver, stronger than those it gets anyway.
	APIServerArgs []string

	// Progress is told of each program that is built. Nil stands for standard error.
	Progress io.Writer
}

// ControlPlane is one that runs. Its methods may be called from any goroutine.
type ControlPlane struct {
	folders
	address   net.IP
	url       string
	port      *port
	authority *authority
	group     *group
	config    *rest.Config
	client    *kubernetes.Clientset
	kubectl   string

	stopOnce sync.Once
	stopped  error
}

// startLimit is how long a start may take, building apart. It takes five seconds on an idle
// machine; one that is busy building takes a minute.
const startLimit = 3 * time.Minute

// Start builds what is missing, starts a control plane and returns when it is ready: the
// API server says so, the controllers have made the ServiceAccount of the namespace
// default, and pods can be bound to the nodes.
//
// ctx bounds the start alone. If that fails nothing is left behind, and the error ends in
// what the process to blame wrote last.
func Start(ctx context.Context, options Options) (*ControlPlane, error) {
	if options.Progress == nil {
		options.Progress = os.Stderr
	}
	if options.Nodes == 0 {
		options.Nodes = 2
	}
	if options.Address == nil {
		options.Address = net.IPv4(127, 0, 0, 1)
	}
	if options.Address.To4() == nil {
		return nil, fmt.Errorf("address %v: not IPv4", options.Address)
	}
	paths, err := binaries.Build(ctx, options.Progress)
	if err != nil {
		return nil, err
	}
	c := &ControlPlane{kubectl: paths.Kubectl, address: options.Address}
	if err := c.prepare(options.Dir); err != nil {
		return nil, errors.Join(err, c.Stop())
	}
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	if err := c.start(ctx, paths, options); err != nil {
		return nil, errors.Join(err, c.Stop())
	}
	return c, nil
}

// prepare makes all that the processes need, and the group that they will be in.
func (c *ControlPlane) prepare(dir string) (err error) {
	if c.folders, err = newFolders(dir); err != nil {
		return err
	}
	if c.port, err = holdPort(c.address); err != nil {
		return err
	}
	c.url = "https://" + net.JoinHostPort(c.address.String(), strconv.Itoa(c.port.number))
	if c.authority, err = newAuthority(); err != nil {
		return err
	}
	if err := c.writeInputs(); err != nil {
		return err
	}
	if c.config, err = c.adminConfig(); err != nil {
		return err
	}
	if c.client, err = kubernetes.NewForConfig(c.config); err != nil {
		return err
	}
	if _, err := c.writeUser(c.Kubeconfig(), "admin", "system:masters"); err != nil {
		return err
	}
	c.group, err = newGroup(c.file("etcd"), c.logs(), c.doomed())
	return err
}

// start starts the processes in the order in which they need each other.
func (c *ControlPlane) start(ctx context.Context, paths binaries.Paths, options Options) error {
	if err := c.startStore(paths); err != nil {
		return err
	}
	if err := c.startServer(paths, options.APIServerArgs); err != nil {
		return err
	}
	if err := c.wait(ctx, "API server", c.serverReady); err != nil {
		return err
	}
	if err := c.startControllers(paths); err != nil {
		return err
	}
	if err := c.startScheduler(paths); err != nil {
		return err
	}
	if options.Nodes > 0 {
		if err := c.createNodes(ctx, options.Nodes); err != nil {
			return err
		}
		if err := c.startKubelets(paths); err != nil {
			return err
		}
		if err := c.wait(ctx, "nodes", c.nodesReady); err != nil {
			return err
		}
	}
	return c.wait(ctx, "ServiceAccount default/default", c.accountReady)
}

// Stop ends every process and returns when all have ended. It removes the folder where that
// is temporary, and otherwise what is of no use without the processes: data, keys and
// kubeconfigs. Every further call waits for the first and returns what that did.
func (c *ControlPlane) Stop() error {
	c.stopOnce.Do(func() {
		if c.group != nil {
			c.stopped = c.group.stop()
		}
		if c.port != nil {
			c.port.release()
		}
		c.stopped = errors.Join(c.stopped, c.folders.remove())
	})
	return c.stopped
}

// Client talks to the API server as a member of system:masters.
func (c *ControlPlane) Client() *kubernetes.Clientset { return c.client }

// URL is where the API server listens.
func (c *ControlPlane) URL() string { return c.url }

// Logs is the folder with what each process wrote, named after it, and with audit.log.
func (c *ControlPlane) Logs() string { return c.logs() }

// Wait returns when ctx is done, with nil, or when a process has ended by itself, with the
// end of its log. Only those who keep a control plane up for others need it: a test notices
// soon enough.
func (c *ControlPlane) Wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case <-c.group.broken:
		return c.group.ended()
	}
}

// wait asks ready again and again until it says yes, and gives up when ctx does or a
// process has ended. The error has the last reason for a no.
func (c *ControlPlane) wait(ctx context.Context, what string, ready func(context.Context) error) error {
	for {
		err := ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-c.group.broken:
			return c.group.ended()
		case <-ctx.Done():
			return fmt.Errorf("%s: not ready: %w (%w)", what, err, ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}
