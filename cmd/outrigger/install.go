package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"outrigger.dev/outrigger/internal/cluster"
	"outrigger.dev/outrigger/internal/lifecycle"
)

const installHelp = `Install Outrigger, or upgrade what is installed.

  %[1]s install --set profile=demo
  %[1]s install -f values.yaml -y
  %[1]s install --adopt-istio

The result is a Helm release that helm list, upgrade and rollback know. The webhook
matches nothing until the server is ready; then a pod is asked for as a dry run, to
see that it gets its sidecar. An installation that was interrupted is run again.

The values are those of the command line: what an installation has and is not named
again is as in the profile afterwards, but for tags, which are set by the verb tag.

--adopt-istio takes over from the injector of a running istiod: its ConfigMaps are
the configuration, and its webhook matches nothing until uninstall gives it back.`

// installFlags are what "outrigger install" is told.
type installFlags struct {
	values   valueFlags
	kube     kubeFlags
	revision string
	istio    string
	limit    time.Duration
	yes      bool
	force    bool
}

// newInstall is the verb that installs and upgrades.
func newInstall(program string) *cobra.Command {
	var flags installFlags
	cmd := &cobra.Command{
		Use:     "install",
		Aliases: []string{"upgrade", "apply"},
		Short:   "Install Outrigger, or upgrade what is installed",
		Long:    fmt.Sprintf(installHelp, program),
		Args:    noArguments,
		RunE:    func(cmd *cobra.Command, _ []string) error { return flags.run(cmd) },
	}
	f := cmd.Flags()
	flags.addPlan(f)
	addPatience(f, &flags.limit, &flags.yes)
	f.BoolVar(&flags.force, "force", false, "go on although precheck finds errors")
	flags.kube = addKube(f)
	return cmd
}

// addPlan adds the flags that say what is to be installed.
func (i *installFlags) addPlan(f *pflag.FlagSet) {
	i.values.add(f)
	f.StringVarP(&i.revision, "revision", "r", "", "`name` of the revision; the same as --set revision=NAME")
	f.StringVar(&i.istio, "adopt-istio", "", "take over from the injector of an istiod: `NAMESPACE or NAMESPACE/REVISION`, or without a value from the only one")
	f.Lookup("adopt-istio").NoOptDefVal = "auto"
}

// addPatience adds the flags of verbs that change a cluster.
func addPatience(f *pflag.FlagSet, limit *time.Duration, yes *bool) {
	f.DurationVar(limit, "readiness-timeout", 5*time.Minute, "how long to wait for the objects to be ready")
	f.BoolVarP(yes, "skip-confirmation", "y", false, "do not ask")
}

// plan makes the plan that the flags say.
func (i *installFlags) plan(cmd *cobra.Command) (*lifecycle.Cluster, *lifecycle.Plan, error) {
	values, err := i.values.read(cmd)
	if err != nil {
		return nil, nil, err
	}
	if i.revision != "" {
		values["revision"] = i.revision
	}
	cluster, err := i.kube.connect()
	if err != nil {
		return nil, nil, err
	}
	plan, err := cluster.Plan(cmd.Context(), values, i.istio)
	if errors.As(err, new(lifecycle.OwnedError)) {
		err = hinted{err, "change it there, or install beside it: --revision NAME"}
	}
	return cluster, plan, err
}

func (i *installFlags) run(cmd *cobra.Command) error {
	cluster, plan, err := i.plan(cmd)
	if err != nil {
		return err
	}
	if len(plan.Objects) == 0 {
		return hinted{errors.New("these values install nothing"), "--set server.create=true, or another profile"}
	}
	findings, err := cluster.Precheck(cmd.Context(), plan)
	if err != nil {
		return err
	}
	printFindings(cmd, findings, lifecycle.Warning)
	if worst(findings, lifecycle.Error) && !i.force {
		return hinted{errors.New("precheck finds what an installation would founder on"), "--force goes on all the same"}
	}
	summarize(cmd.ErrOrStderr(), plan, cluster)
	if err := confirm(cmd, i.yes, "Go on?"); err != nil {
		return err
	}
	if err := cluster.Install(cmd.Context(), plan, i.limit, progressOf(cmd)); err != nil {
		return interrupted(cmd, err)
	}
	return farewell(cmd.OutOrStdout(), plan)
}

// interrupted adds what there is to do about a failed installation.
func interrupted(cmd *cobra.Command, err error) error {
	var unreached *cluster.Unreachable
	switch {
	case errors.As(err, &unreached):
		return hinted{err, unreached.Cure}
	case cmd.Context().Err() != nil:
		return hinted{errors.New("interrupted"), "the same command again goes on from here"}
	}
	return hinted{err, "the same command again goes on from here"}
}

func worst(all []lifecycle.Finding, least lifecycle.Level) bool {
	for _, f := range all {
		if atLeast(f.Level, least) {
			return true
		}
	}
	return false
}

// summarize says what is about to be done.
func summarize(w io.Writer, plan *lifecycle.Plan, cluster *lifecycle.Cluster) {
	switch {
	case plan.From == "":
		fmt.Fprintf(w, "To be installed: Outrigger %s, revision %s, as release %s in namespace %s, %d objects.\n",
			plan.To, plan.Revision, plan.Release, cluster.Namespace, len(plan.Objects))
	default:
		fmt.Fprintf(w, "To be upgraded: Outrigger %s to %s, revision %s, release %s in namespace %s, %d objects.\n",
			plan.From, plan.To, plan.Revision, plan.Release, cluster.Namespace, len(plan.Objects))
	}
	if plan.From != "" && plan.Changes != "" {
		fmt.Fprintln(w, "Values that change:")
		_ = printDiff(w, plan.Changes) // progress that nobody reads is no error
	}
	if plan.Istio != nil {
		fmt.Fprintf(w, "To be taken over: the injector of the istiod in %s (%s).\n", plan.Istio.Config(), strings.Join(plan.Istio.Configurations, ", "))
	}
}

// farewell says what comes next.
func farewell(w io.Writer, plan *lifecycle.Plan) error {
	label := "istio-injection=enabled"
	if plan.Revision != lifecycle.DefaultRevision {
		label = "istio.io/rev=" + plan.Revision
	}
	_, err := fmt.Fprintf(w, `Outrigger %s is installed. Next, have the pods of a namespace injected, those that run included:

  kubectl label namespace default %s --overwrite
  kubectl rollout restart deployment --namespace default
`, plan.To, label)
	return err
}
