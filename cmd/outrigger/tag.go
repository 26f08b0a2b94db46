package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"outrigger.dev/outrigger/internal/lifecycle"
)

const tagHelp = `Give revisions more names, for namespaces to ask for by istio.io/rev.

  %[1]s tag set prod --revision canary
  %[1]s tag list
  %[1]s tag remove prod

A tag is the value revisionTags of the revision's release, which is upgraded with the
chart that it has. The tag default answers for istio-injection=enabled, too.`

// newTag is the verb about tags.
func newTag(program string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "tag",
		Short: "Give revisions more names, for namespaces to ask for",
		Long:  fmt.Sprintf(tagHelp, program),
		Args:  subcommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newTagSet(program), newTagList(program), newTagRemove(program), newTagGenerate(program))
	return cmd
}

const tagSetHelp = `Give a revision another name.

  %[1]s tag set prod --revision canary
  %[1]s tag set prod --revision canary --overwrite

With --overwrite the tag moves, where another revision has it. One of the two answers for
it all the while, so that no pod misses its sidecar. Cut short, it is run again.`

func newTagSet(program string) *cobra.Command {
	var kube kubeFlags
	var revision string
	var overwrite, yes bool
	var limit time.Duration
	cmd := &cobra.Command{
		Use:   "set TAG --revision REVISION",
		Short: "Give a revision another name",
		Long:  fmt.Sprintf(tagSetHelp, program),
		Args:  exactly(1, "a tag"),
		RunE: func(cmd *cobra.Command, args []string) error {
			cluster, err := kube.connect()
			if err != nil {
				return err
			}
			if err := confirm(cmd, yes, fmt.Sprintf("Tag %s for revision %s: the release is upgraded. Go on?", args[0], revision)); err != nil {
				return err
			}
			if err := cluster.SetTag(cmd.Context(), args[0], revision, overwrite, limit, progressOf(cmd)); err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "Tag %s is of revision %s. Next:\n\n  kubectl label namespace default istio.io/rev=%[1]s istio-injection- --overwrite\n", args[0], revision)
			return err
		},
	}
	cmd.Flags().StringVarP(&revision, "revision", "r", lifecycle.DefaultRevision, "`name` of the revision")
	cmd.Flags().BoolVar(&overwrite, "overwrite", false, "take the tag from the revision that has it")
	addPatience(cmd.Flags(), &limit, &yes)
	kube = addKube(cmd.Flags())
	kube.completeRevision(cmd)
	return cmd
}

func newTagList(program string) *cobra.Command {
	var kube kubeFlags
	output := choice{value: "table", of: []string{"table", "json", "yaml"}}
	cmd := &cobra.Command{
		Use:     "list",
		Aliases: []string{"show"},
		Short:   "List tags, their revisions, and the namespaces that ask for them",
		Long:    fmt.Sprintf("List tags, their revisions, and the namespaces that ask for them.\n\n  %s tag list", program),
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cluster, err := kube.connect()
			if err != nil {
				return err
			}
			tags, err := cluster.Tags(cmd.Context())
			if err != nil {
				return err
			}
			if output.value != "table" {
				return printObject(cmd.OutOrStdout(), output.value, "TagList", map[string]any{"tags": tags})
			}
			var rows [][]string
			for _, t := range tags {
				rows = append(rows, []string{t.Tag, t.Revision, strings.Join(t.Namespaces, ",")})
			}
			return printTable(cmd.OutOrStdout(), []string{"TAG", "REVISION", "NAMESPACES"}, rows)
		},
	}
	cmd.Flags().VarP(&output, "output", "o", "table, json or yaml")
	kube = addKube(cmd.Flags())
	return cmd
}

func newTagRemove(program string) *cobra.Command {
	var kube kubeFlags
	var yes bool
	var limit time.Duration
	cmd := &cobra.Command{
		Use:     "remove TAG",
		Aliases: []string{"delete"},
		Short:   "Take a tag away",
		Long:    fmt.Sprintf("Take a tag away.\n\n  %s tag remove prod", program),
		Args:    exactly(1, "a tag"),
		RunE: func(cmd *cobra.Command, args []string) error {
			cluster, err := kube.connect()
			if err != nil {
				return err
			}
			tag, err := cluster.Tag(cmd.Context(), args[0])
			if err != nil {
				return hinted{err, cmd.Parent().CommandPath() + " list"}
			}
			if len(tag.Namespaces) > 0 {
				fmt.Fprintf(cmd.ErrOrStderr(), "warning: namespaces ask for it, whose pods get no sidecar then: %s\n", atMostTen(tag.Namespaces))
			}
			if err := confirm(cmd, yes, fmt.Sprintf("Tag %s of revision %s goes. Go on?", tag.Tag, tag.Revision)); err != nil {
				return err
			}
			if err := cluster.RemoveTag(cmd.Context(), args[0], limit, progressOf(cmd)); err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "Tag %s is gone.\n", args[0])
			return err
		},
	}
	addPatience(cmd.Flags(), &limit, &yes)
	kube = addKube(cmd.Flags())
	cmd.ValidArgsFunction = kube.completion(tagNames)
	return cmd
}

func newTagGenerate(program string) *cobra.Command {
	var kube kubeFlags
	var revision string
	cmd := &cobra.Command{
		Use:   "generate TAG --revision REVISION",
		Short: "Print the objects of a revision with a tag more, and apply nothing",
		Long:  fmt.Sprintf("Print the objects of a revision with a tag more, and apply nothing.\n\n  %s tag generate prod --revision canary", program),
		Args:  exactly(1, "a tag"),
		RunE: func(cmd *cobra.Command, args []string) error {
			cluster, err := kube.connect()
			if err != nil {
				return err
			}
			plan, err := cluster.PlanTag(cmd.Context(), revision, args[0], true)
			if err != nil {
				return err
			}
			_, err = cmd.OutOrStdout().Write(lifecycle.Write(plan.Objects))
			return err
		},
	}
	cmd.Flags().StringVarP(&revision, "revision", "r", lifecycle.DefaultRevision, "`name` of the revision")
	kube = addKube(cmd.Flags())
	kube.completeRevision(cmd)
	return cmd
}
