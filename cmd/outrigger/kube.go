package main

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	_ "k8s.io/client-go/plugin/pkg/client/auth" // the ways to log in that a kubeconfig may name
	"outrigger.dev/outrigger/internal/lifecycle"
)

// kubeFlags say which cluster, as whom, and where in it Outrigger is: kubectl's flags.
type kubeFlags struct{ *genericclioptions.ConfigFlags }

// addKube adds the flags.
func addKube(f *pflag.FlagSet) kubeFlags {
	namespace := lifecycle.DefaultNamespace
	all := genericclioptions.NewConfigFlags(true)
	flags := kubeFlags{&genericclioptions.ConfigFlags{
		KubeConfig: all.KubeConfig, Context: all.Context, Impersonate: all.Impersonate,
		ImpersonateGroup: all.ImpersonateGroup, Timeout: all.Timeout,
	}}
	flags.AddFlags(f)
	// Not kubectl's: there the namespace of the context is what counts without a flag.
	f.StringVarP(&namespace, "namespace", "n", namespace, "`namespace` that Outrigger is in")
	all.KubeConfig, all.Context = flags.KubeConfig, flags.Context
	all.Namespace = &namespace
	flags.ConfigFlags = all
	return flags
}

// connect reads the kubeconfig that the flags, or KUBECONFIG, name.
func (k kubeFlags) connect() (*lifecycle.Cluster, error) {
	known, err := k.ToRawKubeConfigLoader().RawConfig()
	if err == nil && len(known.Clusters) == 0 && os.Getenv("KUBERNETES_SERVICE_HOST") == "" {
		return nil, hinted{errors.New("there is no kubeconfig to find a cluster by"), "--kubeconfig FILE, or the environment variable KUBECONFIG"}
	}
	return lifecycle.Connect(k, *k.Namespace)
}

// completion asks the cluster for names while somebody types, and gives up soon.
func (k kubeFlags) completion(names func(context.Context, *lifecycle.Cluster) ([]string, error)) cobra.CompletionFunc {
	return func(cmd *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		ctx, cancel := context.WithTimeout(cmd.Context(), 2*time.Second)
		defer cancel()
		cluster, err := k.connect()
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		found, err := names(ctx, cluster)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return found, cobra.ShellCompDirectiveNoFileComp
	}
}

// completeRevision completes the flag --revision by the revisions that are installed.
func (k kubeFlags) completeRevision(cmd *cobra.Command) {
	err := cmd.RegisterFlagCompletionFunc("revision", k.completion(func(ctx context.Context, c *lifecycle.Cluster) ([]string, error) { return c.Revisions(ctx) }))
	if err != nil {
		panic(err) // there is such a flag
	}
}

// tagNames are the tags that there are.
func tagNames(ctx context.Context, c *lifecycle.Cluster) ([]string, error) {
	tags, err := c.Tags(ctx)
	var names []string
	for _, t := range tags {
		names = append(names, t.Tag)
	}
	return names, err
}
