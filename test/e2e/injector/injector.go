package injector

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"outrigger.dev/outrigger/test/controlplane"
)

// Namespace is where the chart is installed.
const Namespace = "outrigger-system"

// Options are what an installation can be made with. The zero value is the
// chart's default.
type Options struct {
	// Revision is the chart's; "" is the first installation.
	Revision string
	// Values are the chart's, as Helm's --set takes them.
	Values []string
	// Args are more flags for the server.
	Args []string
	// Env are more environment variables for it, each KEY=VALUE.
	Env []string
	// Exposed has the dry run listen at every address of this machine, and so with TLS
	// and for those who may, as with the chart's value dryRun.exposed.
	Exposed bool
	// Logs is the folder that the server's log goes to.
	Logs string
}

// An Injector is an installation and its server.
type Injector struct {
	cluster    *controlplane.ControlPlane
	tools      Tools
	options    Options
	kubeconfig string
	// addresses on 127.0.0.1, kept when the server is started again.
	webhook, health, metrics, dryRun string
	process                          *process
	// replica tells servers of one installation apart; 0 is the first.
	replica int
}

// Install installs the chart for a server on this machine, starts the server
// and returns when it is ready.
func Install(ctx context.Context, cluster *controlplane.ControlPlane, tools Tools, options Options) (*Injector, error) {
	i, err := Prepare(ctx, cluster, tools, options)
	if err != nil {
		return nil, err
	}
	return i, i.Start(ctx)
}

// Prepare installs the chart for a server on this machine, which is not started.
func Prepare(ctx context.Context, cluster *controlplane.ControlPlane, tools Tools, options Options) (*Injector, error) {
	i := &Injector{cluster: cluster, tools: tools, options: options}
	if err := i.findAddresses(); err != nil {
		return nil, err
	}
	if _, err := i.Helm(ctx, i.helmArgs("install")...); err != nil {
		return nil, err
	}
	var err error
	if i.kubeconfig, err = cluster.ServiceAccountKubeconfig(ctx, Namespace, i.Name()); err != nil {
		return nil, err
	}
	return i, nil
}

// Beside is the server of an installation that somebody else makes, with values that
// have [Injector.URL] in them. It is not started; see [Injector.Join].
func Beside(cluster *controlplane.ControlPlane, tools Tools, options Options) (*Injector, error) {
	i := &Injector{cluster: cluster, tools: tools, options: options}
	return i, i.findAddresses()
}

// Join starts the server as soon as its ServiceAccount is there, and does not wait for it
// to be ready.
func (i *Injector) Join(ctx context.Context) error {
	for {
		var err error
		if i.kubeconfig, err = i.cluster.ServiceAccountKubeconfig(ctx, Namespace, i.Name()); err == nil {
			return i.Launch()
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("ServiceAccount %s: %w: %w", i.Name(), ctx.Err(), err)
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// Replica is another server of the same installation, with addresses of its own,
// which is not started. The API server calls only the one that was installed.
func (i *Injector) Replica(number int) (*Injector, error) {
	replica := &Injector{cluster: i.cluster, tools: i.tools, options: i.options, kubeconfig: i.kubeconfig, replica: number}
	return replica, replica.findAddresses()
}

// Upgrade installs the chart once more, with other values.
func (i *Injector) Upgrade(ctx context.Context, values ...string) error {
	i.options.Values = values
	_, err := i.Helm(ctx, i.helmArgs("upgrade")...)
	return err
}

// Rollback goes back to a revision of the release.
func (i *Injector) Rollback(ctx context.Context, revision string) error {
	_, err := i.Helm(ctx, "rollback", i.release(), revision, "--namespace", Namespace)
	return err
}

// Manifest is what Helm has installed, in YAML.
func (i *Injector) Manifest(ctx context.Context) (string, error) {
	return i.Helm(ctx, "get", "manifest", i.release(), "--namespace", Namespace)
}

// helmArgs install or upgrade the chart.
func (i *Injector) helmArgs(verb string) []string {
	args := []string{
		verb, i.release(), filepath.Join(i.tools.Root, "charts", "outrigger"), "--namespace", Namespace,
		"--set", "webhook.url=https://" + i.webhook, "--set", "revision=" + i.options.Revision,
		// A machine that builds something else meanwhile may stand still for longer
		// than a cluster should wait.
		"--set", "webhook.timeoutSeconds=30",
	}
	if verb == "install" {
		args = append(args, "--create-namespace")
	}
	for _, value := range i.options.Values {
		args = append(args, "--set", value)
	}
	return args
}

// Helm runs Helm as an administrator and returns what it wrote.
func (i *Injector) Helm(ctx context.Context, args ...string) (string, error) {
	return i.tools.RunHelm(ctx, i.cluster, args...)
}

// RunHelm runs Helm as an administrator and returns what it wrote.
func (t Tools) RunHelm(ctx context.Context, cluster *controlplane.ControlPlane, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, t.Helm, args...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+cluster.Kubeconfig())
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("helm %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return string(out), nil
}

// Name is what the chart calls the server's objects.
func (i *Injector) Name() string { return i.revised("outrigger-injector") }

// ConfigMap is the name of the ConfigMap with the configuration.
func (i *Injector) ConfigMap() string { return i.revised("outrigger") }

// LastGood is the name of the ConfigMap with the last good configuration.
func (i *Injector) LastGood() string { return i.revised("outrigger-last-good") }

// URL is where the webhook is, without a path.
func (i *Injector) URL() string { return "https://" + i.webhook }

// DryRun is where the server answers what would become of pods.
func (i *Injector) DryRun() string {
	if i.options.Exposed {
		return "https://" + i.dryRun
	}
	return "http://" + i.dryRun
}

func (i *Injector) release() string { return i.revised("outrigger") }

func (i *Injector) revised(name string) string {
	if i.options.Revision == "" {
		return name
	}
	return name + "-" + i.options.Revision
}

// findAddresses finds some that are free now. They stay those of the server
// when it is started again.
func (i *Injector) findAddresses() error {
	for _, address := range []*string{&i.webhook, &i.health, &i.metrics, &i.dryRun} {
		listener, err := listenFree()
		if err != nil {
			return err
		}
		defer listener.Close() // not before all of them have one, or two might get the same
		*address = listener.Addr().String()
	}
	return nil
}

// Start starts the server and returns when it is ready.
func (i *Injector) Start(ctx context.Context) error {
	if err := i.Launch(); err != nil {
		return err
	}
	return i.Await(ctx, func(r Readiness) bool { return r.Ready })
}

// Launch starts the server and does not wait.
func (i *Injector) Launch() error {
	if i.process != nil {
		return errors.New("the server runs already")
	}
	dryRun := i.dryRun
	if i.options.Exposed {
		dryRun = strings.TrimPrefix(dryRun, "127.0.0.1")
	}
	args := []string{
		"--kubeconfig=" + i.kubeconfig, "--namespace=" + Namespace, "--dns-name=127.0.0.1",
		"--webhook-address=" + i.webhook, "--health-address=" + i.health, "--metrics-address=" + i.metrics, "--dry-run-address=" + dryRun,
		"--shutdown-delay=0s", "--log-format=text",
	}
	if i.options.Revision != "" {
		args = append(args, "--revision="+i.options.Revision)
	}
	var err error
	i.process, err = startProcess(i.tools.Server, append(args, i.options.Args...), i.options.Env, i.Log())
	return err
}

// Log is the file that the server's log goes to, of all its lives.
func (i *Injector) Log() string {
	name := i.Name()
	if i.replica > 0 {
		name = fmt.Sprintf("%s.%d", name, i.replica)
	}
	return filepath.Join(i.options.Logs, name+".log")
}

// PID is the number of the server's process. It runs.
func (i *Injector) PID() int { return i.process.cmd.Process.Pid }

// Stop asks the server to end and waits until it has, with success.
func (i *Injector) Stop() error { return i.end(os.Interrupt) }

// Kill ends the server without asking.
func (i *Injector) Kill() error {
	_ = i.end(os.Kill) // it says that it was killed
	return nil
}

func (i *Injector) end(signal os.Signal) error {
	if i.process == nil {
		return nil
	}
	err := i.process.end(signal)
	i.process = nil
	return err
}

// Uninstall stops the server and removes the release.
func (i *Injector) Uninstall(ctx context.Context) error {
	_, err := i.Helm(ctx, "uninstall", i.release(), "--namespace", Namespace)
	return errors.Join(i.Stop(), err)
}
