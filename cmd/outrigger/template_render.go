package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

const renderHelp = `Print what one template writes for a pod, before it is laid over the pod.

  %s template render sidecar -f app.yaml

"inject" shows the pod that comes of it. Whether the pod would be injected is not
asked here.

Exit status: 0, or 1 where the template does not render, or writes no part of a pod.`

// newTemplateRender is the verb that renders one template.
func newTemplateRender(program string) *cobra.Command {
	var c configuration
	var files []string
	cmd := &cobra.Command{
		Use:   "render TEMPLATE -f FILE",
		Short: "Print what one template writes for a pod",
		Long:  fmt.Sprintf(renderHelp, program),
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 || len(files) == 0 {
				return usageError{hinted{fmt.Errorf("want the name of one template, and manifests"), cmd.CommandPath() + " sidecar -f FILE"}}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			samples, err := readSamples(files, cmd.InOrStdin())
			if err != nil {
				return err
			}
			return c.render(cmd.OutOrStdout(), args[0], samples)
		},
	}
	cmd.Flags().SortFlags = false
	cmd.Flags().StringArrayVarP(&files, "filename", "f", nil, "manifests: a `file`, a folder, or - for standard input; may be repeated")
	c.addTo(cmd.Flags())
	return cmd
}

// render prints a document for each pod; a comment says whose it is where there are
// several. One that is no part of a pod is printed as well, to be looked at.
func (c *configuration) render(w io.Writer, name string, samples []sample) error {
	injector, err := c.injector()
	if err != nil {
		return err
	}
	var names []string
	for _, template := range injector.Templates() {
		names = append(names, template.Name)
	}
	if !slices.Contains(names, name) {
		return fmt.Errorf("template %q: there is none of that name, want one of %s", name, strings.Join(names, ", "))
	}
	for i, s := range samples {
		text, err := injector.Render(s.request, name)
		if i > 0 && text != "" {
			fmt.Fprintln(w, "---")
		}
		if len(samples) > 1 && text != "" {
			fmt.Fprintf(w, "# %s\n", s.name)
		}
		if text != "" {
			fmt.Fprintln(w, strings.Trim(text, "\n"))
		}
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}
