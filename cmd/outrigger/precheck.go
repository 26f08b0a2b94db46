package main

import (
	"fmt"

	"github.com/spf13/cobra"
	"outrigger.dev/outrigger/internal/lifecycle"
)

const precheckHelp = `Look at the cluster before an installation or an upgrade, and change nothing.

  %[1]s precheck
  %[1]s precheck -f values.yaml --failure-threshold error

Looked at are the version of the API server, your rights (every object is applied as a
dry run), whether the API server reaches the webhook, other webhooks for the same pods,
namespaces that say two things at once, and what Pod Security and quotas will refuse.

Exit status: 0, and 79 for findings at or above --failure-threshold.`

// newPrecheck is the verb that looks before.
func newPrecheck(program string) *cobra.Command {
	var flags installFlags
	levels := []string{"info", "warning", "error"}
	output := choice{value: "text", of: []string{"text", "json", "yaml"}}
	failure, shown := choice{value: "warning", of: levels}, choice{value: "info", of: levels}
	cmd := &cobra.Command{
		Use:   "precheck",
		Short: "Look at the cluster before an installation or an upgrade",
		Long:  fmt.Sprintf(precheckHelp, program),
		Args:  noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cluster, plan, err := flags.plan(cmd)
			if err != nil {
				return err
			}
			findings, err := cluster.Precheck(cmd.Context(), plan)
			if err != nil {
				return err
			}
			if err := showFindings(cmd, findings, lifecycle.Level(shown.value), output.value); err != nil {
				return err
			}
			if worst(findings, lifecycle.Level(failure.value)) {
				return statusError{exitFindings, nil}
			}
			return nil
		},
	}
	f := cmd.Flags()
	flags.addPlan(f)
	f.VarP(&output, "output", "o", "text, json or yaml")
	f.Var(&failure, "failure-threshold", "info, warning or error: findings of that level make the exit status 79")
	f.Var(&shown, "output-threshold", "info, warning or error: the least that is printed")
	flags.kube = addKube(f)
	return cmd
}

// showFindings prints findings as the result of a verb.
func showFindings(cmd *cobra.Command, all []lifecycle.Finding, least lifecycle.Level, output string) error {
	shown := []lifecycle.Finding{}
	for _, f := range all {
		if atLeast(f.Level, least) {
			shown = append(shown, f)
		}
	}
	if output != "text" {
		return printObject(cmd.OutOrStdout(), output, "FindingList", map[string]any{"findings": shown})
	}
	var rows [][]string
	for _, f := range shown {
		what := f.What
		if f.Cure != "" {
			what += " (" + f.Cure + ")"
		}
		rows = append(rows, []string{string(f.Level), f.Check, printable(f.About), printable(what)})
	}
	return printTable(cmd.OutOrStdout(), []string{"LEVEL", "CHECK", "ABOUT", "WHAT"}, rows)
}
