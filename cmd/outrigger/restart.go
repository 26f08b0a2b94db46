package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"
	"outrigger.dev/outrigger/internal/analyze"
	"outrigger.dev/outrigger/internal/rollout"
	"outrigger.dev/outrigger/internal/status"
)

const restartHelp = `Restart the workloads whose pods have an outdated sidecar, or miss theirs.

  %[1]s restart --outdated -n shop --dry-run   what would be restarted
  %[1]s restart --outdated -n shop
  %[1]s restart --outdated --missed -A -y

It is what "kubectl rollout restart" does to Deployments, StatefulSets and DaemonSets, one
workload at a time. Before it begins the API server makes a pod of each by a dry run: one
whose new pods would not be injected, or would differ as well, is left alone, and so is
what no rollout makes anew. Each waits until the disruption budgets of its pods allow as
many disruptions as its rollout makes at a time, and the next one waits until its rollout
is complete. The first that fails is the last: it says what is done and what is left, and
the same command goes on from there.

Exit status: 0; 1 for an error, or a workload that was not restarted as announced; 64 for
a wrong command line.`

// restartFlags are what "outrigger restart" is told.
type restartFlags struct {
	sight            sight
	outdated, missed bool
	dryRun, yes      bool
	timeout          time.Duration
	parallel         int
}

// newRestart is the verb that restarts workloads.
func newRestart(program string) *cobra.Command {
	var flags restartFlags
	cmd := &cobra.Command{
		Use:   "restart (--outdated | --missed)",
		Short: "Restart the workloads whose pods have an outdated sidecar, or miss theirs",
		Long:  fmt.Sprintf(restartHelp, program),
		Args:  noArguments,
		RunE:  func(cmd *cobra.Command, _ []string) error { return flags.run(cmd) },
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.BoolVar(&flags.outdated, "outdated", false, "restart workloads that have pods with an outdated sidecar")
	f.BoolVar(&flags.missed, "missed", false, "restart workloads that have pods which miss their sidecar")
	f.BoolVar(&flags.dryRun, "dry-run", false, "say what would be restarted, and change nothing")
	f.DurationVar(&flags.timeout, "timeout", 10*time.Minute, "`time` that each workload may take, until its budgets allow it and its rollout is complete")
	f.IntVar(&flags.parallel, "parallel", 1, "in how many `namespaces` at a time; in each it is one workload at a time")
	f.BoolVarP(&flags.yes, "yes", "y", false, "restart without asking")
	flags.sight.addTo(f)
	return cmd
}

func (f *restartFlags) check() error {
	switch {
	case !f.outdated && !f.missed:
		return usageError{hinted{errors.New("nothing to restart"), "outrigger restart --outdated, or --missed, or both"}}
	case f.timeout <= 0:
		return usageError{fmt.Errorf("--timeout %s: want more than 0s", f.timeout)}
	case f.parallel < 1:
		return usageError{fmt.Errorf("--parallel %d: want 1 or more", f.parallel)}
	}
	return nil
}

func (f *restartFlags) run(cmd *cobra.Command) error {
	if err := f.check(); err != nil {
		return err
	}
	scene, namespace, err := f.sight.look(cmd)
	if err != nil {
		return err
	}
	workloads, err := status.Of(cmd.Context(), scene)
	if err != nil {
		return err
	}
	chosen := f.choose(workloads)
	if len(chosen) == 0 {
		fmt.Fprintf(cmd.ErrOrStderr(), "note: there is nothing to restart in %s\n", whichNamespace(namespace))
		return nil
	}
	restarter, err := f.restarter(cmd, scene)
	if err != nil {
		return err
	}
	targets, err := announce(cmd, restarter, chosen)
	if err != nil {
		return err
	}
	switch {
	case len(targets) == 0:
		return errors.New("no workload can be restarted")
	case f.dryRun:
		return nil
	}
	if err := confirm(cmd, f.yes, fmt.Sprintf("Restart %s?", count(len(targets), "workload"))); err != nil {
		return err
	}
	return f.outcome(cmd.ErrOrStderr(), restarter.Run(cmd.Context(), targets))
}

// choose are the workloads that the flags ask for.
func (f *restartFlags) choose(all []status.Workload) []status.Workload {
	var chosen []status.Workload
	for _, w := range all {
		if f.outdated && w.In[status.Outdated] > 0 || f.missed && w.In[status.Missed] > 0 {
			chosen = append(chosen, w)
		}
	}
	return chosen
}

func (f *restartFlags) restarter(cmd *cobra.Command, scene *analyze.Scene) (*rollout.Restarter, error) {
	config, err := f.sight.config()
	if err != nil {
		return nil, err
	}
	client, err := kubernetes.NewForConfig(config)
	return &rollout.Restarter{
		Client: client, Timeout: f.timeout, Every: time.Second, Parallel: f.parallel, Settle: 15 * time.Second,
		Differs: func(ctx context.Context, pod *corev1.Pod) (string, bool, error) { return differs(ctx, scene, pod) },
		Tell: func(e rollout.Event) {
			if e.State == "restarted" {
				fmt.Fprintf(cmd.OutOrStdout(), "restarted %s\n", e.Target)
				return
			}
			w := cmd.ErrOrStderr()
			fmt.Fprintf(w, "  %s %s: %s\n", painted(w, yellow, "waiting"), e.Target, printable(strings.ReplaceAll(e.Detail, "\n", " ")))
		},
	}, err
}

// differs says in what a pod that the API server would create is not what it is to be,
// and whether that is so because it was injected by another configuration than there is.
func differs(ctx context.Context, scene *analyze.Scene, pod *corev1.Pod) (why string, lags bool, err error) {
	verdict, err := scene.VerdictOn(ctx, pod)
	if err != nil || len(verdict.Differences) == 0 {
		return "", false, err
	}
	why = shortened(verdict.Differences[0].String())
	if more := len(verdict.Differences) - 1; more > 0 {
		why += fmt.Sprintf(", and %d more", more)
	}
	return why, !scene.InForce(verdict), nil
}

// announce says what is to become of workloads, and returns those to restart.
func announce(cmd *cobra.Command, restarter *rollout.Restarter, chosen []status.Workload) ([]rollout.Target, error) {
	var all, targets []rollout.Target
	for _, w := range chosen {
		all = append(all, rollout.Target{APIVersion: w.APIVersion, Kind: w.Kind, Namespace: w.Namespace, Name: w.Name})
	}
	steps, err := restarter.Plan(cmd.Context(), all)
	if err != nil {
		return nil, err
	}
	say := cmd.ErrOrStderr()
	for i, s := range steps {
		if s.Leave != "" {
			fmt.Fprintf(say, "leave %s: %s: %s\n", s.Target, printable(s.Leave), printable(s.Cure))
			continue
		}
		targets = append(targets, s.Target)
		fmt.Fprintf(say, "restart %s: %s\n", s.Target, podsIn(chosen[i]))
		if s.Blocked != "" {
			fmt.Fprintf(say, "  it has to wait: %s\n", printable(s.Blocked))
		}
	}
	return targets, nil
}

// podsIn are how many of a workload's pods are why it is restarted.
func podsIn(w status.Workload) string {
	var parts []string
	for _, state := range []status.State{status.Outdated, status.Missed} {
		if n := w.In[state]; n > 0 {
			parts = append(parts, fmt.Sprintf("%s %s", count(n, "pod"), state))
		}
	}
	return strings.Join(parts, ", ")
}

// outcome says how far a run has come, where that is not to its end.
func (f *restartFlags) outcome(say io.Writer, o rollout.Outcome) error {
	if len(o.Failed)+len(o.Left) == 0 {
		return nil
	}
	sayTargets(say, "restarted", o.Done)
	sayTargets(say, "left as they are", o.Left)
	var errs []error
	for _, failure := range o.Failed {
		errs = append(errs, fmt.Errorf("%s: %w", failure.Target, failure.Err))
	}
	if len(errs) == 0 {
		errs = []error{errors.New("interrupted")}
	}
	errs[len(errs)-1] = hinted{errs[len(errs)-1], f.command() + " goes on from there"}
	return errors.Join(errs...)
}

// sayTargets says which workloads something is true of.
func sayTargets(w io.Writer, what string, targets []rollout.Target) {
	names := make([]string, len(targets))
	for i, t := range targets {
		names[i] = t.String()
	}
	if len(names) == 0 {
		names = []string{"none"}
	}
	fmt.Fprintf(w, "%s: %s\n", what, strings.Join(names, ", "))
}

// command is what was typed, as far as it has a say in what is restarted.
func (f *restartFlags) command() string {
	words := []string{"outrigger restart"}
	for _, flag := range []struct {
		set  bool
		word string
	}{{f.outdated, "--outdated"}, {f.missed, "--missed"}, {f.sight.all, "-A"}, {*f.sight.Namespace != "", "-n " + *f.sight.Namespace}} {
		if flag.set {
			words = append(words, flag.word)
		}
	}
	return strings.Join(words, " ")
}
