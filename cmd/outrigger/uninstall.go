package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"outrigger.dev/outrigger/internal/lifecycle"
)

const uninstallHelp = `Take Outrigger out of the cluster: its webhook first, so that no pod waits for it.

  %[1]s uninstall
  %[1]s uninstall --revision canary
  %[1]s uninstall --purge -y

Without --revision, and without -f that has one, it is the revision default. --purge
is all of them, and everything else that carries Outrigger's labels, in every
namespace. The namespace itself stays. Pods keep their sidecars until they are
replaced. What is half gone already is no error, and it can be run again.`

// newUninstall is the verb that takes away.
func newUninstall(program string) *cobra.Command {
	var values valueFlags
	var kube kubeFlags
	var revision string
	var purge, yes bool
	var limit time.Duration
	cmd := &cobra.Command{
		Use:   "uninstall",
		Short: "Take Outrigger out of the cluster, its webhook first",
		Long:  fmt.Sprintf(uninstallHelp, program),
		Args:  noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			given, err := values.read(cmd)
			if err != nil {
				return err
			}
			if revision != "" {
				given["revision"] = revision
			}
			if purge && given["revision"] != nil {
				return usageError{errors.New("--purge takes away every revision: want it, or one revision")}
			}
			name := given.Revision()
			if purge {
				name = ""
			}
			cluster, err := kube.connect()
			if err != nil {
				return err
			}
			return uninstall(cmd, cluster, name, yes, limit)
		},
	}
	f := cmd.Flags()
	values.add(f)
	f.StringVarP(&revision, "revision", "r", "", "`name` of the revision to take away")
	f.BoolVar(&purge, "purge", false, "take away all revisions, and whatever carries Outrigger's labels")
	addPatience(f, &limit, &yes)
	kube = addKube(f)
	kube.completeRevision(cmd)
	return cmd
}

func uninstall(cmd *cobra.Command, cluster *lifecycle.Cluster, revision string, yes bool, limit time.Duration) error {
	removal, err := cluster.PlanRemoval(cmd.Context(), revision)
	if err != nil {
		return err
	}
	if removal.Nothing() {
		fmt.Fprintln(cmd.ErrOrStderr(), "note: there is nothing to take away")
	} else {
		foretell(cmd.ErrOrStderr(), removal)
		if err := confirm(cmd, yes, "Go on?"); err != nil {
			return err
		}
	}
	if err := cluster.Uninstall(cmd.Context(), removal, limit, progressOf(cmd)); err != nil {
		return interrupted(cmd, err)
	}
	what := "Outrigger"
	if revision != "" {
		what = "Revision " + revision
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s is taken away. Pods that were injected keep their sidecars until they are replaced:\n\n  kubectl rollout restart deployment --namespace default\n", what)
	return err
}

// foretell says what goes and what depends on it.
func foretell(w io.Writer, r *lifecycle.Removal) {
	if r.Revision == "" {
		fmt.Fprintf(w, "To be taken away: every revision of Outrigger, %d objects.\n", len(r.Objects))
	} else {
		fmt.Fprintf(w, "To be taken away: revision %s of Outrigger, %d objects.\n", r.Revision, len(r.Objects))
	}
	for _, row := range []struct {
		what  string
		names []string
	}{
		{"releases", r.Releases},
		{"tags that go with it", r.Tags},
		{"pods that it has injected", r.Workloads},
		{"revisions that stay", r.Others},
	} {
		if len(row.names) > 0 {
			fmt.Fprintf(w, "  %s: %d: %s\n", row.what, len(row.names), atMostTen(row.names))
		}
	}
}

func atMostTen(names []string) string {
	if len(names) > 10 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:10], ", "), len(names)-10)
	}
	return strings.Join(names, ", ")
}
