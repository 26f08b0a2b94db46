package main

import (
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
