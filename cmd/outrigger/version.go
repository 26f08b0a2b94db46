package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"outrigger.dev/outrigger/internal/check"
)

const versionHelp = `Print the version of this program, and those of the servers in the cluster.

  %[1]s version
  %[1]s version --client -o json

Servers are pods, found in Outrigger's namespace, or with -A in all of them, and asked
through the API server. One that says nothing is listed with its image. Without a
kubeconfig it is this program alone.`

// serversTime is how long servers may take to say which they are.
const serversTime = 10 * time.Second

// versionFlags are what "outrigger version" is told.
type versionFlags struct {
	kube   kubeFlags
	client bool
	all    bool
	output choice
}

// newVersion is the verb that says which build this is, and which the servers are.
func newVersion(program string) *cobra.Command {
	flags := versionFlags{output: choice{value: "text", of: []string{"text", "json", "yaml"}}}
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version of this program, and those of the servers in the cluster",
		Long:  fmt.Sprintf(versionHelp, program),
		Args:  noArguments,
		RunE:  func(cmd *cobra.Command, _ []string) error { return flags.run(cmd) },
	}
	f := cmd.Flags()
	f.VarP(&flags.output, "output", "o", "text, json or yaml")
	f.BoolVar(&flags.client, "client", false, "this program alone, without asking a cluster")
	f.BoolVarP(&flags.all, "all-namespaces", "A", false, "servers of all namespaces")
	flags.kube = addKube(f)
	return cmd
}

func (f *versionFlags) run(cmd *cobra.Command) error {
	own := map[string]string{"version": version(), "go": runtime.Version(), "platform": runtime.GOOS + "/" + runtime.GOARCH}
	var servers []check.Replica
	asked := !f.client && !f.kube.nowhere()
	if asked {
		var err error
		if servers, err = f.servers(cmd.Context()); err != nil { // the program still has a version
			fmt.Fprintf(cmd.ErrOrStderr(), "warning: servers: %s\n", printable(err.Error()))
			asked = false
		}
	}
	if f.output.value != "text" {
		has := map[string]any{"client": own}
		if asked {
			has["servers"] = servers
		}
		return printObject(cmd.OutOrStdout(), f.output.value, "Version", has)
	}
	if asked && len(servers) == 0 {
		fmt.Fprintf(cmd.ErrOrStderr(), "note: no server runs in %s\n", whichNamespace(f.where()))
	}
	return printVersions(cmd.OutOrStdout(), own, servers)
}

// where is the namespace that is looked in, "" for all.
func (f *versionFlags) where() string {
	if f.all {
		return metav1.NamespaceAll
	}
	return *f.kube.Namespace
}

func (f *versionFlags) servers(ctx context.Context) ([]check.Replica, error) {
	ctx, cancel := context.WithTimeout(ctx, serversTime)
	defer cancel()
	config, err := f.kube.config()
	if err != nil {
		return nil, err
	}
	cluster, err := check.Connect(config)
	if err != nil {
		return nil, err
	}
	return cluster.Replicas(ctx, f.where())
}

// printVersions prints a line for each program.
func printVersions(w io.Writer, own map[string]string, servers []check.Replica) error {
	_, err := fmt.Fprintf(w, "outrigger %s, %s, %s\n", own["version"], own["go"], own["platform"])
	for _, s := range servers {
		ready := "ready"
		if !s.Ready {
			ready = "not ready"
		}
		which := cmp.Or(s.Version, fmt.Sprintf("of image %s (not asked: %s)", s.Image, s.Why))
		fmt.Fprintf(w, "outrigger-injector %s, revision %s, pod %s/%s, %s\n", printable(which), s.Revision, s.Namespace, s.Pod, ready)
	}
	return err
}

// version is what the build was stamped with: a tag, or a pseudo-version with
// the commit in it.
func version() string {
	if build, ok := debug.ReadBuildInfo(); ok && build.Main.Version != "" {
		return build.Main.Version
	}
	return "(devel)"
}
