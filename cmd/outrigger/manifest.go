package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"outrigger.dev/outrigger/internal/lifecycle"
)

const manifestHelp = `Print what would be installed, or in what two installations differ.

  %[1]s manifest generate --set profile=demo | kubectl apply --server-side -f -
  %[1]s manifest diff --set profile=demo`

// newManifest is the verb about manifests.
func newManifest(program string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "manifest",
		Short: "Print what would be installed, or in what two installations differ",
		Long:  fmt.Sprintf(manifestHelp, program),
		Args:  subcommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newManifestGenerate(program), newManifestDiff(program))
	return cmd
}

const generateHelp = `Print the objects that install applies, in that order.

  %[1]s manifest generate --set profile=demo --set webhook.failurePolicy=Ignore
  %[1]s manifest generate -f values.yaml > outrigger.yaml

The same values give the same bytes. Values are held against the chart's schema.`

func newManifestGenerate(program string) *cobra.Command {
	var values valueFlags
	var namespace string
	cmd := &cobra.Command{
		Use:   "generate",
		Short: "Print the objects that install applies",
		Long:  fmt.Sprintf(generateHelp, program),
		Args:  noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			given, err := values.read(cmd)
			if err != nil {
				return err
			}
			manifests, err := lifecycle.Render(given, namespace)
			if err != nil {
				return err
			}
			_, err = cmd.OutOrStdout().Write(lifecycle.Write(manifests))
			return err
		},
	}
	values.add(cmd.Flags())
	cmd.Flags().StringVarP(&namespace, "namespace", "n", lifecycle.DefaultNamespace, "`namespace` to install into")
	return cmd
}

const manifestDiffHelp = `Print in what manifests differ, object by object.

  %[1]s manifest diff --set profile=demo                the cluster, and what install would make of it
  %[1]s manifest diff -f values.yaml                    the same
  %[1]s manifest diff old.yaml new.yaml                 two files of manifests

Against a cluster the API server is asked what would come of applying them, and
nothing is changed. Order and comments make no difference.

Exit status: 0 if they are the same, 1 if they differ, 2 for an error.`

func newManifestDiff(program string) *cobra.Command {
	var values valueFlags
	var kube kubeFlags
	cmd := &cobra.Command{
		Use:   "diff [FILE FILE]",
		Short: "Print in what manifests differ, or the cluster from them",
		Long:  fmt.Sprintf(manifestDiffHelp, program),
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				return usageError{hinted{errors.New("one file of manifests, want two, or none"), cmd.UseLine()}}
			}
			return atMost(2)(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			var diff string
			var err error
			if len(args) == 2 {
				diff, err = diffFiles(args[0], args[1])
			} else {
				diff, err = diffLive(cmd, &values, kube)
			}
			if err == nil {
				err = printDiff(cmd.OutOrStdout(), diff)
			}
			return ofDiff(diff != "", err)
		},
	}
	values.add(cmd.Flags())
	kube = addKube(cmd.Flags())
	return cmd
}

func diffFiles(a, b string) (string, error) {
	inA, err := readManifests(a)
	if err != nil {
		return "", err
	}
	inB, err := readManifests(b)
	if err != nil {
		return "", err
	}
	return lifecycle.DiffManifests(a, inA, b, inB)
}

func readManifests(name string) ([]lifecycle.Manifest, error) {
	content, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return lifecycle.ReadManifests(lifecycle.Text{Name: name, Content: content})
}

func diffLive(cmd *cobra.Command, flags *valueFlags, kube kubeFlags) (string, error) {
	values, err := flags.read(cmd)
	if err != nil {
		return "", err
	}
	cluster, err := kube.connect()
	if err != nil {
		return "", err
	}
	return cluster.Diff(cmd.Context(), values)
}
