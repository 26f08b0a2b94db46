package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	"outrigger.dev/outrigger/internal/lifecycle"
)

const pauseHelp = `Pause injection: the webhook is asked about no pod until resume.

  %[1]s pause
  %[1]s resume

Each webhook configuration gets one update: a match condition that is never true.
Selectors stay as they are, and upgrades leave it paused. Without --revision it is
every revision in the cluster.`

// newPause is the verb that pauses injection.
func newPause(program string) *cobra.Command {
	return newSwitch(program, "pause", "Pause injection: pods are created as if there were no Outrigger", (*lifecycle.Cluster).Pause,
		"injection is paused", "everything is paused already")
}

// newResume is the verb that ends a pause.
func newResume(program string) *cobra.Command {
	return newSwitch(program, "resume", "Resume injection after a pause", (*lifecycle.Cluster).Resume,
		"injection goes on", "nothing is paused")
}

func newSwitch(program, verb, short string, do func(*lifecycle.Cluster, context.Context, string) ([]string, error), done, idle string) *cobra.Command {
	var kube kubeFlags
	var revision string
	cmd := &cobra.Command{
		Use:   verb,
		Short: short,
		Long:  fmt.Sprintf(pauseHelp, program),
		Args:  noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cluster, err := kube.connect()
			if err != nil {
				return err
			}
			names, err := do(cluster, cmd.Context(), revision)
			for _, name := range names {
				fmt.Fprintf(cmd.OutOrStdout(), "%s: %s\n", name, done)
			}
			if err == nil && len(names) == 0 {
				fmt.Fprintf(cmd.ErrOrStderr(), "note: %s\n", idle)
			}
			return err
		},
	}
	cmd.Flags().StringVarP(&revision, "revision", "r", "", "`name` of the only revision to "+verb)
	kube = addKube(cmd.Flags())
	kube.completeRevision(cmd)
	return cmd
}
