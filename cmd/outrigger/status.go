package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"outrigger.dev/outrigger/internal/analyze"
	"outrigger.dev/outrigger/internal/lifecycle"
	"outrigger.dev/outrigger/internal/status"
)

const statusHelp = `Say of each workload what has become of injection in its pods.

  %[1]s status                      in the namespace of the context
  %[1]s status -A                   in all of them
  %[1]s status deploy/web -n shop   of one, with what differs in its pods

  injected   the pods have the sidecar that new ones would have
  outdated   they have another one: it is rendered anew and compared field by field
  missed     they have none, and new ones would have one
  leftover   they have one, and new ones would have none
  skipped    they have none, and new ones would have none
  refused    new ones would be refused

PODS is how many are in that state, of how many where not all are. What the API server,
the kubelet and other webhooks have put into a pod is no difference. -o wide has the
differences, and why a new pod gets a sidecar or none. In a pipe there is one line a
workload, a tab between the columns and no heading; the lines of differences begin
with a tab. -o json has a version: fields may come to it.

Exit status: 0, whatever there is to say; 1 where it could not look, 64 for a wrong
command line.`

// statusFlags are what "outrigger status" is told.
type statusFlags struct {
	sight  sight
	output choice
}

// newStatus is the verb that says what has become of injection.
func newStatus(program string) *cobra.Command {
	flags := statusFlags{output: choice{of: []string{"wide", "json"}}}
	cmd := &cobra.Command{
		Use:   "status [KIND NAME | KIND/NAME | KIND]",
		Short: "Say what has become of injection in the pods of each workload",
		Long:  fmt.Sprintf(statusHelp, program),
		Args: func(_ *cobra.Command, args []string) error {
			if _, err := askedOf(args); len(args) > 0 && err != nil {
				return usageError{err}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return flags.run(cmd, args) },
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.VarP(&flags.output, "output", "o", "wide or json")
	flags.sight.addTo(f)
	return cmd
}

// A sight is which workloads of a cluster are looked at.
type sight struct {
	kubeFlags
	system string
	all    bool
}

// addTo adds the flags that say which.
func (s *sight) addTo(f *pflag.FlagSet) {
	f.BoolVarP(&s.all, "all-namespaces", "A", false, "workloads of all namespaces")
	f.StringVar(&s.system, "system-namespace", lifecycle.DefaultNamespace, "`namespace` that Outrigger is installed in")
	s.kubeFlags = addKubeOf(f, "`namespace` of the workloads; that of the context without it")
}

func (f *statusFlags) run(cmd *cobra.Command, args []string) error {
	scene, namespace, err := f.sight.look(cmd)
	if err != nil {
		return err
	}
	workloads, err := status.Of(cmd.Context(), scene)
	if err != nil {
		return err
	}
	if len(args) > 0 {
		of, _ := askedOf(args)
		workloads = slices.DeleteFunc(workloads, func(w status.Workload) bool {
			return of.name != "" && w.Name != of.name || strings.ToLower(w.Kind)+"s" != of.kind.resource
		})
		if len(workloads) == 0 && of.name != "" {
			return hinted{fmt.Errorf("%s %q: no workload of that name in %s", of.kind.names[0], of.name, whichNamespace(namespace)), "outrigger status"}
		}
		f.output.value = cmp.Or(f.output.value, "wide")
	}
	switch {
	case f.output.value == "json":
		return printStatusJSON(cmd.OutOrStdout(), workloads, scene.Unseen)
	case len(workloads) == 0:
		fmt.Fprintf(cmd.ErrOrStderr(), "note: there is no workload in %s\n", whichNamespace(namespace))
		return nil
	}
	return printStatus(cmd.OutOrStdout(), workloads, f.output.value == "wide")
}

// look reads what the cluster has in the namespace that the flags name, or in all; where
// is "" then.
func (s *sight) look(cmd *cobra.Command) (scene *analyze.Scene, where string, err error) {
	if s.all && *s.Namespace != "" {
		return nil, "", usageError{errors.New("-A and -n: want one of the two")}
	}
	l, where, err := s.lookout(s.system)
	if err != nil {
		return nil, "", err
	}
	if s.all {
		where = ""
	}
	progress, clear := readingProgress(cmd.ErrOrStderr())
	scene, err = l.scene(cmd.Context(), where, nil, progress)
	clear()
	if err != nil {
		return nil, "", err
	}
	for _, u := range scene.Unseen {
		if u.Resource == "pods" || len(scene.Injectors) == 0 {
			return nil, "", u
		}
	}
	sayUnseen(cmd.ErrOrStderr(), scene.Unseen)
	if !scene.Compares() {
		fmt.Fprintln(cmd.ErrOrStderr(), "note: pods are not compared with new ones: no pod counts as outdated")
	}
	return scene, where, nil
}

// printStatus prints a line a workload, and where wide their differences.
func printStatus(w io.Writer, workloads []status.Workload, wide bool) error {
	header := []string{"NAMESPACE", "WORKLOAD", "STATE", "PODS", "REVISION", "TEMPLATES", "SIDECAR", "REASON"}
	if wide {
		header = append(header, "WHY")
	}
	if onTerminal(w) {
		return printStatusTable(w, header, workloads, wide)
	}
	for _, of := range workloads {
		if _, err := fmt.Fprintln(w, strings.Join(statusRow(of, wide), "\t")); err != nil {
			return err
		}
		if !wide {
			continue
		}
		for _, line := range differencesOf(of) {
			if _, err := fmt.Fprintf(w, "\t%s\n", line); err != nil {
				return err
			}
		}
	}
	return nil
}

// printStatusTable is a table with a heading, and what differs below it.
func printStatusTable(w io.Writer, header []string, workloads []status.Workload, wide bool) error {
	table := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprintln(table, strings.Join(header, "\t"))
	for _, of := range workloads {
		fmt.Fprintln(table, strings.Join(statusRow(of, wide), "\t"))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, of := range workloads {
		lines := differencesOf(of)
		if !wide || len(lines) == 0 {
			continue
		}
		fmt.Fprintf(w, "\n%s: what new pods would have otherwise\n", of)
		for _, line := range lines {
			if _, err := fmt.Fprintf(w, "  %s\n", shortened(line)); err != nil {
				return err
			}
		}
	}
	return nil
}

// statusRow are the columns of a workload.
func statusRow(of status.Workload, wide bool) []string {
	pods := fmt.Sprint(of.Pods)
	if in := of.In[of.State]; in != of.Pods {
		pods = fmt.Sprintf("%d/%d", in, of.Pods)
	}
	reason := string(of.Reason)
	if of.State == status.Outdated {
		reason = count(len(of.Differences)+len(of.Faults), "difference")
	}
	row := []string{of.Namespace, of.Kind + "/" + of.Name, string(of.State), pods}
	row = append(row, injectionColumns(of.Injections)...)
	row = append(row, reason)
	if wide {
		row = append(row, printable(of.Sentence))
	}
	return row
}

// injectionColumns are revisions, templates and the kinds of sidecars; several where pods
// have been injected in several ways.
func injectionColumns(all []status.Injection) []string {
	var revisions, templates, kinds []string
	for _, i := range all {
		kind := "classic"
		if i.Native {
			kind = "native"
		}
		revisions, templates, kinds = append(revisions, i.Revision), append(templates, strings.Join(i.Templates, ",")), append(kinds, kind)
	}
	distinct := func(words []string) string {
		slices.Sort(words)
		return printable(strings.Join(slices.Compact(words), " "))
	}
	return []string{distinct(revisions), distinct(templates), distinct(kinds)}
}

// differencesOf are what differs in a workload's pods, a line each.
func differencesOf(of status.Workload) []string {
	var lines []string
	for _, fault := range of.Faults {
		lines = append(lines, "cannot be compared: "+printable(fault))
	}
	for _, d := range of.Differences {
		line := printable(d.String())
		if d.Pods != of.Pods {
			line += fmt.Sprintf(" (%d of %d pods)", d.Pods, of.Pods)
		}
		lines = append(lines, line)
	}
	return lines
}

// shortened is a line that a person reads: of a long one the beginning.
func shortened(line string) string {
	const most = 200
	if runes := []rune(line); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return line
}

// statusJSON is what -o json prints.
type statusJSON struct {
	APIVersion string            `json:"apiVersion"`
	Kind       string            `json:"kind"`
	Workloads  []status.Workload `json:"workloads"`
	// Unseen are resources that could not be read.
	Unseen []string `json:"unseen"`
}

func printStatusJSON(w io.Writer, workloads []status.Workload, unseen []analyze.Unseen) error {
	out := statusJSON{APIVersion: "cli.outrigger.dev/v1", Kind: "Status", Workloads: workloads, Unseen: []string{}}
	if out.Workloads == nil {
		out.Workloads = []status.Workload{}
	}
	for _, u := range unseen {
		out.Unseen = append(out.Unseen, u.Resource)
	}
	return printAs(w, "json", out)
}
