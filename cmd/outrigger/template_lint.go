package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"outrigger.dev/outrigger/inject"
	"outrigger.dev/outrigger/templates"
)

const lintHelp = `Render every template over a corpus of pods, and over pods of yours.

  %s template lint --config config.yaml -f app.yaml

This is what the server does before it takes a configuration, so that one which
passes here will be taken. Without --config, --values or --mesh-config the
default profile's apply.

Exit status: 0, or 1 where a template does not render.`

// newTemplateLint is the verb that renders all templates and says which fail.
func newTemplateLint(program string) *cobra.Command {
	var c configuration
	var files []string
	cmd := &cobra.Command{
		Use:   "lint",
		Short: "Render every template over a corpus of pods, and over pods of yours",
		Long:  fmt.Sprintf(lintHelp, program),
		Args:  noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			samples, err := readSamples(files, cmd.InOrStdin())
			if err != nil {
				return err
			}
			injector, err := c.injector()
			if err != nil {
				return err
			}
			return lint(cmd, injector, samples)
		},
	}
	cmd.Flags().SortFlags = false
	c.addTo(cmd.Flags())
	cmd.Flags().StringArrayVarP(&files, "filename", "f", nil, "manifests with more pods: a `file`, a folder, or - for standard input; may be repeated")
	return cmd
}

// lint prints a line for each template that renders all pods. The error has all that
// do not. What the corpus makes of them is known since the injector was made.
func lint(cmd *cobra.Command, injector *inject.Injector, samples []sample) error {
	corpus := len(templates.Corpus())
	var errs []error
	for _, template := range injector.Templates() {
		err := template.Quarantined
		if err == nil {
			err = renderAll(injector, template.Name, samples)
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s: renders %s of the corpus", template.Name, count(corpus, "pod"))
		if len(samples) > 0 {
			fmt.Fprintf(cmd.OutOrStdout(), " and %d of yours", len(samples))
		}
		fmt.Fprintln(cmd.OutOrStdout())
	}
	return errors.Join(errs...)
}

// renderAll renders a template for each pod.
func renderAll(injector *inject.Injector, name string, samples []sample) error {
	var errs []error
	for _, s := range samples {
		if _, err := injector.Render(s.request, name); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", s.name, err))
		}
	}
	return errors.Join(errs...)
}
