package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"outrigger.dev/outrigger/inject"
)

const annotationsHelp = `Explain the labels and annotations that injection reads and writes.

  %[1]s annotations
  %[1]s annotations sidecar.istio.io/proxyCPU`

// newAnnotations is the verb that explains labels and annotations.
func newAnnotations(program string) *cobra.Command {
	return &cobra.Command{
		Use:   "annotations [NAME]",
		Short: "Explain the labels and annotations that injection reads and writes",
		Long:  fmt.Sprintf(annotationsHelp, program),
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return noArguments(cmd, args[1:])
			}
			return nil
		},
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
			var names []cobra.Completion
			for _, k := range inject.Keys() {
				names = append(names, cobra.CompletionWithDesc(k.Name, k.Effect))
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return listKeys(cmd.OutOrStdout())
			}
			k, ok := inject.LookupKey(args[0])
			if !ok {
				return unknownName(cmd, args[0])
			}
			return explainKey(cmd.OutOrStdout(), k)
		},
	}
}

func unknownName(cmd *cobra.Command, name string) error {
	err := fmt.Errorf("%q is no label or annotation that injection knows", name)
	if near := inject.NearestKey(name); near != "" {
		return hinted{err, cmd.CommandPath() + " " + near}
	}
	return hinted{err, cmd.CommandPath() + " lists them"}
}

// listKeys prints a line for each key.
func listKeys(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprintln(table, "NAME\tVALUES\tDEFAULT")
	for _, k := range inject.Keys() {
		fmt.Fprintf(table, "%s\t%s\t%s\n", k.Name, k.Values, k.Default)
	}
	return table.Flush()
}

// explainKey prints all that is known of one key.
func explainKey(w io.Writer, k inject.Key) error {
	on := make([]string, len(k.On))
	for i, place := range k.On {
		on[i] = string(place)
	}
	bad := "is ignored, with a warning"
	if k.Denied() {
		bad = "refuses the pod"
	}
	table := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprintf(table, "%s\n\n  on\t%s\n  values\t%s\n  default\t%s\n  effect\t%s\n  a bad value\t%s\n",
		k.Name, strings.Join(on, ", "), k.Values, k.Default, k.Effect, bad)
	if k.Instead != "" {
		fmt.Fprintf(table, "  deprecated\twrite %s\n", k.Instead)
	}
	return table.Flush()
}
