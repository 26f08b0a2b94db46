package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"outrigger.dev/outrigger/internal/check"
	"outrigger.dev/outrigger/internal/tunnel"
)

const dashboardHelp = `Open the dry run's page in a browser: paste a manifest, read what would become of its
pods and why, and see what the server has decided last.

  %[1]s dashboard
  %[1]s dashboard --browser=false --port 8082

A port of this machine is forwarded to a replica, which serves the page, until Ctrl-C.
That needs the right to create pods/portforward in Outrigger's namespace.`

// dashboardFlags are what "outrigger dashboard" is told.
type dashboardFlags struct {
	kube     kubeFlags
	revision string
	port     int
	browser  bool
}

// newDashboard is the verb that opens the dry run's page.
func newDashboard(program string) *cobra.Command {
	var flags dashboardFlags
	cmd := &cobra.Command{
		Use:   "dashboard",
		Short: "Open the dry run's page in a browser",
		Long:  fmt.Sprintf(dashboardHelp, program),
		Args:  noArguments,
		RunE:  func(cmd *cobra.Command, _ []string) error { return flags.run(cmd) },
	}
	f := cmd.Flags()
	f.StringVarP(&flags.revision, "revision", "r", defaultRevision, "`name` of the revision whose page it is")
	f.IntVarP(&flags.port, "port", "p", 0, "`number` of the port on this machine; 0 for a free one")
	f.BoolVar(&flags.browser, "browser", true, "open a browser; without one the URL is all")
	flags.kube = addKube(f)
	flags.kube.completeRevision(cmd)
	return cmd
}

// run opens the page, and keeps it open until the context ends.
func (f *dashboardFlags) run(cmd *cobra.Command) error {
	if f.port < 0 || f.port > 65535 {
		return usageError{fmt.Errorf("--port %d: want 0 to 65535", f.port)}
	}
	ctx := cmd.Context()
	to, opened, err := f.open(ctx)
	if err != nil {
		return err
	}
	url := "http://" + opened.Address + "/"
	if err := answers(ctx, url); err != nil && ctx.Err() == nil {
		return hinted{fmt.Errorf("pod %q: its dry run does not answer at port %d: %w", to.Name, to.Port, err), fmt.Sprintf("kubectl -n %s logs %s", to.Namespace, to.Name)}
	}
	if _, err := fmt.Fprintln(cmd.OutOrStdout(), url); err != nil {
		return err
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "note: it is pod %s's, and open until Ctrl-C\n", to.Name)
	if f.browser {
		if err := browse(ctx, url); err != nil {
			fmt.Fprintf(cmd.ErrOrStderr(), "note: no browser was opened: %v\n", err)
		}
	}
	if err := opened.Wait(); err != nil && ctx.Err() == nil {
		return hinted{fmt.Errorf("pod %q: %w", to.Name, err), "the same command again finds another replica"}
	}
	return nil
}

// open finds a replica, and opens a tunnel to its dry run.
func (f *dashboardFlags) open(ctx context.Context) (tunnel.Pod, *tunnel.Tunnel, error) {
	config, err := f.kube.config()
	if err != nil {
		return tunnel.Pod{}, nil, err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return tunnel.Pod{}, nil, err
	}
	pod, err := findReplica(ctx, client, *f.kube.Namespace, f.revision)
	if err != nil {
		return tunnel.Pod{}, nil, err
	}
	port, err := dryRunPort(pod)
	if err != nil {
		return tunnel.Pod{}, nil, err
	}
	to := tunnel.Pod{Namespace: pod.Namespace, Name: pod.Name, Port: port}
	opened, err := tunnel.Open(ctx, config, f.port, to)
	switch {
	case apierrors.IsForbidden(err):
		err = hinted{err, fmt.Sprintf("kubectl -n %s create role outrigger-dashboard --resource=pods/portforward --verb=create, and a binding to you", pod.Namespace)}
	case err != nil:
		err = fmt.Errorf("pod %q: port %d: %w", pod.Name, port, err)
	}
	return to, opened, err
}

// findReplica is a server of a revision that runs, best one that is ready.
func findReplica(ctx context.Context, client kubernetes.Interface, namespace, revision string) (*corev1.Pod, error) {
	pods, err := client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{
		LabelSelector: "app.kubernetes.io/name=outrigger-injector,outrigger.dev/revision=" + revision,
	})
	if err != nil {
		return nil, fmt.Errorf("pods: %w", err)
	}
	if len(pods.Items) == 0 {
		return nil, hinted{fmt.Errorf("revision %q: no replica of it is in namespace %q", revision, namespace),
			"--namespace and --revision name others: outrigger version -A lists all there are"}
	}
	for _, good := range []func(*corev1.Pod) bool{check.IsReady, runs} {
		if at := slices.IndexFunc(pods.Items, func(p corev1.Pod) bool { return good(&p) }); at >= 0 {
			return &pods.Items[at], nil
		}
	}
	return nil, hinted{fmt.Errorf("revision %q: no replica of it runs: pod %q is %s", revision, pods.Items[0].Name, pods.Items[0].Status.Phase), "outrigger check says why"}
}

func runs(p *corev1.Pod) bool {
	return p.DeletionTimestamp == nil && p.Status.Phase == corev1.PodRunning
}

// dryRunPort is where a replica's dry run listens, by the flags of the server. One that is
// exposed wants a token of its caller, which a browser does not send.
func dryRunPort(pod *corev1.Pod) (int, error) {
	address, given := argumentsOf(&pod.Spec)["dry-run-address"]
	if !given {
		address = "127.0.0.1:8082" // the server's own default
	}
	if address == "" {
		return 0, hinted{fmt.Errorf("pod %q: the dry run is off", pod.Name), "outrigger install, or helm upgrade, with --set dryRun.enabled=true"}
	}
	name, number, err := net.SplitHostPort(address)
	if err != nil {
		return 0, fmt.Errorf("pod %q: --dry-run-address: %w", pod.Name, err)
	}
	if ip := net.ParseIP(name); name != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return 0, hinted{fmt.Errorf("pod %q: the dry run is exposed, and wants a token, which a browser does not send", pod.Name),
			"outrigger explain says the same in the terminal; --set dryRun.exposed=false is for the page"}
	}
	port, err := strconv.Atoi(number)
	if err != nil {
		return 0, fmt.Errorf("pod %q: --dry-run-address: %w", pod.Name, err)
	}
	return port, nil
}

// argumentsOf are the flags that a pod's containers are given, by their names.
func argumentsOf(spec *corev1.PodSpec) map[string]string {
	out := map[string]string{}
	for _, container := range spec.Containers {
		for _, argument := range slices.Concat(container.Command, container.Args) {
			if name, value, ok := strings.Cut(strings.TrimLeft(argument, "-"), "="); ok {
				out[name] = value
			}
		}
	}
	return out
}

// answerTime is how long a replica may take to give its page.
const answerTime = 10 * time.Second

// answers wants the page to be there.
func answers(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, response.Body) // so that the connection ends well
	if response.StatusCode != http.StatusOK {
		return errors.New(response.Status)
	}
	return nil
}

// browsers are the programs that open a URL as a person has set it, by system.
var browsers = map[string][]string{
	"darwin":  {"open"},
	"windows": {"rundll32", "url.dll,FileProtocolHandler"},
}

// browse opens a URL in a browser, and does not wait for it.
func browse(ctx context.Context, url string) error {
	program, ok := browsers[runtime.GOOS]
	if !ok {
		program = []string{"xdg-open"}
	}
	cmd := exec.CommandContext(context.WithoutCancel(ctx), program[0], append(program[1:len(program):len(program)], url)...)
	if err := cmd.Start(); err != nil {
		return err
	}
	go func() { _ = cmd.Wait() }() // it may stay as long as it likes
	return nil
}
