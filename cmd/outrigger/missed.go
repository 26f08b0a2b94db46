package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/duration"
	"k8s.io/client-go/kubernetes"

	"outrigger.dev/outrigger/inject"
	"outrigger.dev/outrigger/internal/missing"
)

const missedHelp = `List the pods that should have a sidecar and have none: created while no injector
answered, or before their namespace was labelled.

  %[1]s missed                in the namespace of the context
  %[1]s missed -A             in all of them
  %[1]s missed -A --evict     have new pods made in their place

What is asked of each pod is what would be asked if it were created now. In a pipe
there is one line a pod, a tab between the columns and no heading.

--evict evicts those whose controller would make a new pod, by the Eviction API, which
keeps disruption budgets: one at a time, each only after the API server has shown by a
dry run that the new pod would be injected. It says which, and asks, unless -y is given.

Exit status: 0, also where pods are listed; 1 for an error, or a pod that was not
evicted as announced; 64 for a wrong command line.`

// missedFlags are what "outrigger missed" is told.
type missedFlags struct {
	kube            kubeFlags
	selector        string
	all, evict, yes bool
	pause           time.Duration
	output          choice
}

// newMissed is the verb that lists pods without their sidecar.
func newMissed(program string) *cobra.Command {
	flags := missedFlags{output: choice{of: []string{"wide", "json", "yaml"}}}
	cmd := &cobra.Command{
		Use:   "missed",
		Short: "List the pods that should have a sidecar and have none",
		Long:  fmt.Sprintf(missedHelp, program),
		Args:  noArguments,
		RunE:  func(cmd *cobra.Command, _ []string) error { return flags.run(cmd) },
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.BoolVarP(&flags.all, "all-namespaces", "A", false, "pods of all namespaces")
	f.StringVarP(&flags.selector, "selector", "l", "", "labels of the pods, like `app=shop,tier!=test`")
	f.VarP(&flags.output, "output", "o", "wide, json or yaml")
	f.BoolVar(&flags.evict, "evict", false, "have new pods made in the place of those that are found")
	f.BoolVarP(&flags.yes, "yes", "y", false, "evict without asking")
	f.DurationVar(&flags.pause, "pause", time.Second, "`time` from one eviction to the next")
	flags.kube = addKubeOf(f, "`namespace` of the pods; that of the context without it")
	return cmd
}

// run lists, and evicts where that is asked for.
func (f *missedFlags) run(cmd *cobra.Command) error {
	if f.pause < 0 {
		return usageError{fmt.Errorf("--pause %s: want 0s or more", f.pause)}
	}
	selector, err := labels.Parse(f.selector)
	if err != nil {
		return usageError{fmt.Errorf("--selector %q: %w", f.selector, err)}
	}
	client, namespace, err := f.connect()
	if err != nil {
		return err
	}
	found, err := findMissed(cmd.Context(), client, namespace, cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	found = slices.DeleteFunc(found, func(m missed) bool { return !selector.Matches(labels.Set(m.pod.Labels)) })
	if len(found) == 0 && !f.structured() {
		fmt.Fprintf(cmd.ErrOrStderr(), "note: no pod misses its sidecar in %s\n", whichNamespace(namespace))
		return nil
	}
	if f.evict {
		e := evictions{client: client, pause: f.pause, in: cmd.InOrStdin(), out: cmd.OutOrStdout(), say: cmd.ErrOrStderr(), yes: f.yes}
		return e.run(cmd.Context(), found)
	}
	return f.print(cmd.OutOrStdout(), found, time.Now())
}

func whichNamespace(name string) string {
	if name == metav1.NamespaceAll {
		return "any namespace"
	}
	return fmt.Sprintf("namespace %q", name)
}

// structured says whether the list is for programs.
func (f *missedFlags) structured() bool { return f.output.value == "json" || f.output.value == "yaml" }

// connect is a client, and the namespace to look in.
func (f *missedFlags) connect() (kubernetes.Interface, string, error) {
	if f.all && *f.kube.Namespace != "" {
		return nil, "", usageError{errors.New("-A and -n: want one of the two")}
	}
	config, err := f.kube.config()
	if err != nil {
		return nil, "", err
	}
	config.QPS = -1 // the API server bounds its clients itself
	namespace := metav1.NamespaceAll
	if !f.all {
		if namespace, err = f.kube.namespace(); err != nil {
			return nil, "", err
		}
	}
	client, err := kubernetes.NewForConfig(config)
	return client, namespace, err
}

// A missed pod is one with what was found about it.
type missed struct {
	missing.Finding
	pod *corev1.Pod
}

// findMissed finds, by the installations in the cluster, the pods of a namespace or of
// all, sorted by name. What is doubtful about it goes to say.
func findMissed(ctx context.Context, client kubernetes.Interface, namespace string, say io.Writer) ([]missed, error) {
	judges, err := missing.Installations(ctx, client)
	if errors.Is(err, missing.ErrNoInstallation) {
		return nil, hinted{err, "helm install outrigger charts/outrigger --namespace outrigger-system --create-namespace"}
	}
	if err != nil {
		return nil, err
	}
	list, err := client.CoreV1().Namespaces().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("namespaces: %w", err)
	}
	known := map[string]inject.Namespace{}
	for _, ns := range list.Items {
		known[ns.Name] = inject.Namespace{Name: ns.Name, Labels: ns.Labels}
	}
	if _, there := known[namespace]; namespace != metav1.NamespaceAll && !there {
		return nil, fmt.Errorf("namespace %q does not exist", namespace)
	}
	var found []missed
	for _, judge := range judges {
		for _, name := range judge.Webhooks.Unread() {
			fmt.Fprintf(say, "note: match condition %s of the webhook configuration is not looked at: pods that it keeps away are listed, too\n", name)
		}
		lookup := func(name string) (inject.Namespace, bool) { ns, ok := known[name]; return ns, ok }
		_, err := judge.Scan(ctx, client.CoreV1().Pods(namespace), lookup, func(pod *corev1.Pod, f missing.Finding) {
			found = append(found, missed{f, pod.DeepCopy()})
		})
		if err != nil {
			return nil, fmt.Errorf("pods: %w", err)
		}
	}
	slices.SortFunc(found, func(a, b missed) int {
		return cmp.Or(strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Pod, b.Pod))
	})
	return found, nil
}

// print lists what was found.
func (f *missedFlags) print(w io.Writer, found []missed, now time.Time) error {
	if f.structured() {
		return printMissedPods(w, f.output.value, found)
	}
	header := []string{"NAMESPACE", "POD", "OWNER", "REASON", "AGE"}
	if f.output.value == "wide" {
		header = append(header, "CALLED BY", "ALLOWED", "WHY")
	}
	var rows [][]string
	for _, m := range found {
		row := []string{m.Namespace, m.Pod, m.Owner.Kind + "/" + m.Owner.Name, string(m.Reason), duration.HumanDuration(now.Sub(m.Created))}
		if f.output.value == "wide" {
			row = append(row, m.Entry, strconv.FormatBool(m.Allowed), m.Sentence)
		}
		rows = append(rows, row)
	}
	file, ok := w.(*os.File)
	return printMissedTable(w, ok && term.IsTerminal(int(file.Fd())), header, rows)
}

// printMissedTable has columns and a heading for people, and tabs for a pipe.
func printMissedTable(w io.Writer, people bool, header []string, rows [][]string) error {
	table := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	if people {
		rows = append([][]string{header}, rows...)
		w = table
	}
	for _, row := range rows {
		if _, err := fmt.Fprintln(w, strings.Join(row, "\t")); err != nil {
			return err
		}
	}
	return table.Flush()
}

// printMissedPods prints a list for programs; an empty one where there is nothing.
func printMissedPods(w io.Writer, form string, found []missed) error {
	type owner struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
		Name       string `json:"name"`
	}
	type item struct {
		Namespace string        `json:"namespace"`
		Pod       string        `json:"pod"`
		Owner     owner         `json:"owner"`
		Reason    inject.Reason `json:"reason"`
		Sentence  string        `json:"sentence"`
		Entry     string        `json:"entry"`
		Created   time.Time     `json:"created"`
		Allowed   bool          `json:"allowed"`
	}
	items := []item{}
	for _, m := range found {
		items = append(items, item{
			m.Namespace, m.Pod, owner{m.Owner.APIVersion, m.Owner.Kind, m.Owner.Name}, m.Reason, m.Sentence, m.Entry, m.Created, m.Allowed,
		})
	}
	return printObject(w, form, "MissedPodList", map[string]any{"pods": items})
}
