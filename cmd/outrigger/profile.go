package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"outrigger.dev/outrigger/internal/lifecycle"
	"sigs.k8s.io/yaml"
)

const profileHelp = `Show the profiles: sets of values of the chart, under a name.

  %[1]s profile list
  %[1]s profile dump demo
  %[1]s profile diff demo default

One is chosen with --set profile=NAME, here and with Helm.`

// newProfile is the verb that shows profiles.
func newProfile(program string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "profile",
		Short: "Show the profiles: sets of values of the chart, under a name",
		Long:  fmt.Sprintf(profileHelp, program),
		Args:  subcommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newProfileList(program), newProfileDump(program), newProfileDiff(program))
	return cmd
}

// subcommand refuses a word that is none.
func subcommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return usageError{hinted{fmt.Errorf("%q is no command", args[0]), cmd.CommandPath() + " --help lists the commands"}}
}

func newProfileList(program string) *cobra.Command {
	output := choice{value: "table", of: []string{"table", "json", "yaml"}}
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the profiles, and what each is for",
		Long:  fmt.Sprintf("List the profiles, and what each is for.\n\n  %s profile list", program),
		Args:  noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			profiles := lifecycle.Profiles()
			if output.value != "table" {
				return printObject(cmd.OutOrStdout(), output.value, "ProfileList", map[string]any{"profiles": profiles})
			}
			var rows [][]string
			for _, p := range profiles {
				rows = append(rows, []string{p.Name, p.For})
			}
			return printTable(cmd.OutOrStdout(), []string{"NAME", "FOR"}, rows)
		},
	}
	cmd.Flags().VarP(&output, "output", "o", "table, json or yaml")
	return cmd
}

// printObject prints a result for programs, as json or yaml: its version, its kind, and
// what it has.
func printObject(w io.Writer, form, kind string, has map[string]any) error {
	object := map[string]any{"apiVersion": "cli.outrigger.dev/v1", "kind": kind}
	maps.Copy(object, has)
	return printAs(w, form, object)
}

// printAs prints a value as json or yaml.
func printAs(w io.Writer, form string, value any) error {
	if form == "yaml" {
		text, err := yaml.Marshal(value)
		if err == nil {
			_, err = w.Write(text)
		}
		return err
	}
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	out.SetIndent("", "  ")
	return out.Encode(value)
}

const dumpHelp = `Print all values of a profile, the chart's own included.

  %[1]s profile dump demo
  %[1]s profile dump demo --config-path webhook -o flags

What is printed can be given to install and to helm with -f, and as flags with --set.`

func newProfileDump(program string) *cobra.Command {
	output := choice{value: "yaml", of: []string{"yaml", "json", "flags"}}
	var path string
	cmd := &cobra.Command{
		Use:               "dump [PROFILE]",
		Short:             "Print all values of a profile",
		Long:              fmt.Sprintf(dumpHelp, program),
		Args:              atMost(1),
		ValidArgsFunction: completeProfiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			name := lifecycle.DefaultProfile
			if len(args) > 0 {
				name = args[0]
			}
			return dumpProfile(cmd, name, path, output.value)
		},
	}
	cmd.Flags().VarP(&output, "output", "o", "yaml, json or flags")
	cmd.Flags().StringVarP(&path, "config-path", "p", "", "only what is at this `path`, such as webhook.exclude")
	return cmd
}

func dumpProfile(cmd *cobra.Command, name, path, output string) error {
	values, err := lifecycle.Complete(lifecycle.Values{"profile": name})
	if err != nil {
		return hintProfiles(cmd, err)
	}
	var value any = map[string]any(values)
	if path != "" {
		if value, err = values.Lookup(path); err != nil {
			return hinted{err, cmd.CommandPath() + " " + name}
		}
	}
	var text []byte
	switch output {
	case "flags":
		text = []byte(strings.Join(lifecycle.Flags(value, path), "\n") + "\n")
	case "json":
		out := json.NewEncoder(cmd.OutOrStdout())
		out.SetIndent("", "  ")
		return out.Encode(value)
	default:
		text, err = yaml.Marshal(value)
	}
	if err == nil {
		_, err = cmd.OutOrStdout().Write(text)
	}
	return err
}

func hintProfiles(cmd *cobra.Command, err error) error {
	if errors.As(err, new(lifecycle.UnknownProfileError)) {
		return hinted{err, cmd.Parent().CommandPath() + " list"}
	}
	return err
}

const diffHelp = `Print in what two profiles differ. Each is a name, or a file of values.

  %[1]s profile diff demo default
  %[1]s profile diff default values.yaml

Exit status: 0 if they are the same, 1 if they differ, 2 for an error.`

func newProfileDiff(program string) *cobra.Command {
	return &cobra.Command{
		Use:               "diff PROFILE|FILE PROFILE|FILE",
		Short:             "Print in what two profiles differ",
		Long:              fmt.Sprintf(diffHelp, program),
		Args:              exactly(2, "two profiles"),
		ValidArgsFunction: completeProfiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			a, err := profileOrFile(args[0])
			if err != nil {
				return ofDiff(false, hintProfiles(cmd, err))
			}
			b, err := profileOrFile(args[1])
			if err != nil {
				return ofDiff(false, hintProfiles(cmd, err))
			}
			diff, err := lifecycle.DiffValues(args[0], a, args[1], b)
			if err == nil {
				err = printDiff(cmd.OutOrStdout(), diff)
			}
			return ofDiff(diff != "", err)
		},
	}
}

// profileOrFile gives the values of what is a profile's name, or else a file.
func profileOrFile(name string) (lifecycle.Values, error) {
	values, err := lifecycle.Complete(lifecycle.Values{"profile": name})
	if !errors.As(err, new(lifecycle.UnknownProfileError)) {
		delete(values, "profile") // is what they differ in by name
		return values, err
	}
	content, ferr := os.ReadFile(name)
	if ferr != nil {
		return nil, err
	}
	given, err := lifecycle.ReadValues([]lifecycle.Text{{Name: name, Content: content}}, nil)
	if err == nil {
		err = given.Check()
	}
	if err != nil {
		return nil, err
	}
	values, err = lifecycle.Complete(given)
	delete(values, "profile")
	return values, err
}

func completeProfiles(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var names []cobra.Completion
	for _, p := range lifecycle.Profiles() {
		names = append(names, cobra.CompletionWithDesc(p.Name, p.For))
	}
	return names, cobra.ShellCompDirectiveDefault
}
