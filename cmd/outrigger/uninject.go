package main

import (
	"fmt"

	"github.com/spf13/cobra"
	"outrigger.dev/outrigger/charts"
	"outrigger.dev/outrigger/inject"
)

const uninjectHelp = `Take an injection back: print the manifests as they were before.

  %s uninject -f injected.yaml | kubectl apply -f -

What was added, and by which templates, is in the pod's annotation
outrigger.dev/injection; of a pod that istiod injected, in what that leaves on
it. What others changed since stays. A document that was not injected comes out
as it went in.

Exit status: 0; 1 if a document is broken, and then nothing is printed; 64 for a
wrong command line.`

// newUninject is the verb that takes injections back.
func newUninject(program string) *cobra.Command {
	var files []string
	output := outputChoice()
	cmd := &cobra.Command{
		Use:   "uninject -f FILE",
		Short: "Take an injection back: print the manifests as they were before",
		Long:  fmt.Sprintf(uninjectHelp, program),
		Args:  filesOnly(&files),
		RunE: func(cmd *cobra.Command, _ []string) error {
			var sources inject.Sources
			sources.Config, sources.Values, sources.Mesh = charts.Default()
			injector, err := inject.New(sources, inject.Settings{})
			if err != nil {
				return fmt.Errorf("configuration: %w", err)
			}
			job := injection{stderr: cmd.ErrOrStderr()}
			job.each = func(w inject.Workload) ([]inject.Operation, error) { return injector.Uninject(w.Pod) }
			return job.run(cmd, files, output.value)
		},
	}
	cmd.Flags().SortFlags = false
	addFiles(cmd.Flags(), &files, &output)
	return cmd
}
