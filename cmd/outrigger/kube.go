package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	_ "k8s.io/client-go/plugin/pkg/client/auth" // the ways to log in that a kubeconfig may name
	"k8s.io/client-go/rest"

	"outrigger.dev/outrigger/internal/lifecycle"
)

// kubeFlags say which cluster, as whom, and which namespace: kubectl's flags, for every
// verb that asks a cluster.
type kubeFlags struct{ *genericclioptions.ConfigFlags }

// addKube adds the flags of a verb about an installation. Its namespace is Outrigger's,
// not that of the context as it is kubectl's.
func addKube(f *pflag.FlagSet) kubeFlags {
	return newKube(f, lifecycle.DefaultNamespace, "`namespace` that Outrigger is in")
}

// addKubeOf adds the flags of a verb about what is anybody's, in the namespace of the
// context where the flag does not say another.
func addKubeOf(f *pflag.FlagSet, usage string) kubeFlags { return newKube(f, "", usage) }

// kubeUsage says of kubectl's flags what kubectl says, in fewer words.
var kubeUsage = map[string]string{
	"kubeconfig":      "`file` that says how to reach the cluster, in place of $KUBECONFIG and ~/.kube/config",
	"context":         "`name` of a context in it, in place of the current one",
	"as":              "`user` to act as, where you may impersonate that one",
	"as-group":        "`group` to act as a member of; may be repeated",
	"request-timeout": "`time` that a request to the API server may take, like 30s; 0 for any",
}

func newKube(f *pflag.FlagSet, namespace, usage string) kubeFlags {
	all := genericclioptions.NewConfigFlags(true).WithWrapConfigFn(func(c *rest.Config) *rest.Config {
		c.UserAgent = "outrigger/" + version()
		return c
	})
	some := genericclioptions.ConfigFlags{ // of kubectl's many
		KubeConfig: all.KubeConfig, Context: all.Context, Impersonate: all.Impersonate,
		ImpersonateGroup: all.ImpersonateGroup, Timeout: all.Timeout,
	}
	some.AddFlags(f)
	for name, usage := range kubeUsage {
		f.Lookup(name).Usage = usage
	}
	f.StringVarP(all.Namespace, "namespace", "n", namespace, usage)
	return kubeFlags{all}
}

var errNoCluster = errors.New("there is no kubeconfig to find a cluster by")

// nowhere says whether there is nothing to find a cluster by, and none was asked for.
func (k kubeFlags) nowhere() bool {
	known, err := k.ToRawKubeConfigLoader().RawConfig()
	return err == nil && len(known.Clusters) == 0 && *k.KubeConfig == "" && *k.Context == "" && os.Getenv("KUBERNETES_SERVICE_HOST") == ""
}

// config is how the cluster is reached that the flags, or KUBECONFIG, name.
func (k kubeFlags) config() (*rest.Config, error) {
	if k.nowhere() {
		return nil, hinted{errNoCluster, "--kubeconfig FILE, or the environment variable KUBECONFIG"}
	}
	config, err := k.ToRESTConfig()
	if err != nil {
		return nil, hinted{fmt.Errorf("kubeconfig: %w", err), "name a file with --kubeconfig, and one of its contexts with --context"}
	}
	return config, nil
}

// namespace is the one that is named, or else that of the context.
func (k kubeFlags) namespace() (string, error) {
	namespace, _, err := k.ToRawKubeConfigLoader().Namespace()
	return namespace, err
}

// connect is for changing what is installed in the namespace.
func (k kubeFlags) connect() (*lifecycle.Cluster, error) {
	if _, err := k.config(); err != nil {
		return nil, err
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
