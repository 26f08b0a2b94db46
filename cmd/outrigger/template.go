package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"outrigger.dev/outrigger/inject"
	"outrigger.dev/outrigger/internal/manifest"
)

const templateHelp = `Check, try, test and compare templates, without a cluster.

  %s template lint --config config.yaml`

// newTemplate is what the verbs for those who write templates hang on.
func newTemplate(program string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "template COMMAND",
		Short: "Check, try, test and compare templates, without a cluster",
		Long:  fmt.Sprintf(templateHelp, program),
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return usageError{hinted{fmt.Errorf("%q is no command", args[0]), cmd.CommandPath() + " --help lists the commands"}}
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newTemplateLint(program), newTemplateRender(program), newTemplateTest(program), newTemplateDiff(program))
	return cmd
}

// A sample is a pod that templates are tried on, and what to call it.
type sample struct {
	name    string
	request inject.Request
}

// readSamples are the pods of manifests. There has to be one where files are named.
func readSamples(files []string, stdin io.Reader) ([]sample, error) {
	texts, err := readFiles(files, stdin)
	if err != nil {
		return nil, err
	}
	var all []sample
	var errs []error
	for _, file := range texts {
		for _, d := range manifest.Read(file.name, file.content) {
			if d.JSON == nil {
				errs = append(errs, d.Err)
				continue
			}
			workloads, err := inject.ReadWorkloads(d.JSON)
			if err != nil {
				errs = append(errs, fmt.Errorf("%s: line %d: %w", d.Where(), d.Line, err))
			}
			for _, w := range workloads {
				all = append(all, sampleOf(w.String(), w))
			}
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if len(all) == 0 && len(files) > 0 {
		return nil, fmt.Errorf("%s: no workload in it", files[0])
	}
	return all, nil
}

// sampleOf is a workload's pod on nodes that run native sidecars, in a namespace of
// which nothing is known.
func sampleOf(name string, w inject.Workload) sample {
	return sample{name: name, request: inject.Request{
		Pod: w.Pod, Owner: w.Owner(), Namespace: inject.Namespace{Name: w.Namespace, Unknown: true},
		Native: inject.Native{Supported: true, Why: "there is no cluster to ask"}.Everywhere,
	}}
}
