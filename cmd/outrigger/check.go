package main

import (
	"context"
	"io"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/client-go/rest"

	"outrigger.dev/outrigger/internal/check"
)

// A checking is what the verb check is told.
type checking struct {
	kube              kubeFlags
	revision          string
	output, threshold choice
	wait              time.Duration
}

// newCheck is the verb that asks a cluster whether an installation works.
func newCheck(name string) *cobra.Command {
	c := &checking{
		output:    choice{value: "text", of: []string{"text", "json", "yaml"}},
		threshold: choice{value: "error", of: []string{"error", "warning", "note"}},
	}
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Say whether an installation works: webhook, certificates, replicas, and a pod on a dry run",
		Long: `Ask a cluster whether Outrigger works there. Nothing is changed.

  ` + name + ` check --wait 2m

What is looked at:

  webhook      the webhook configurations of the revision and its tags
  caBundle     what the API server trusts in each of their entries
  certificate  what cert-manager waits for, where it issues the certificate
  server       the replicas, and whether the Service leads to them
  readiness    what each replica says of itself
  canary       a pod on a dry run, through the API server and back

It does so with your rights, and says what they are too few for. Each finding has its
cure as a hint. The exit status is 79 if there is one at or above --failure-threshold.`,
		Example: "  " + name + " check\n  " + name + " check --revision canary --wait 2m\n  " + name + ` check -o json | jq '.findings[] | select(.level == "error")'`,
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			config, err := c.kube.config()
			if err != nil {
				return err
			}
			return c.run(cmd.Context(), config, cmd.OutOrStdout())
		},
	}
	f := cmd.Flags()
	c.kube = addKube(f)
	f.StringVarP(&c.revision, "revision", "r", defaultRevision, "`name` of the revision that is looked at")
	f.VarP(&c.output, "output", "o", "text (a line for each finding), json or yaml")
	f.Var(&c.threshold, "failure-threshold", "error, warning or note: from which on the exit status is 79")
	f.DurationVar(&c.wait, "wait", 0, "look again and again for so long, until there is no such finding")
	c.kube.completeRevision(cmd)
	return cmd
}

// run looks, again and again where it is told to, and prints what it found last.
func (c *checking) run(ctx context.Context, config *rest.Config, out io.Writer) error {
	cluster, err := check.Connect(config)
	if err != nil {
		return err
	}
	of := check.Installation{Namespace: *c.kube.Namespace, Revision: c.revision}
	bad := check.Level(c.threshold.value)
	findings, err := cluster.Await(ctx, of, bad, c.wait)
	if err != nil {
		return err
	}
	failed := check.Worst(findings).AtLeast(bad)
	if err := c.print(out, of, findings, failed); err != nil || !failed {
		return err
	}
	return statusError{status: exitFindings}
}

// print writes the findings as the flag says.
func (c *checking) print(out io.Writer, of check.Installation, findings []check.Finding, failed bool) error {
	if c.output.value != "text" {
		return printObject(out, c.output.value, "Check", map[string]any{
			"namespace": of.Namespace, "revision": of.Revision, "ok": !failed, "findings": findings,
		})
	}
	return check.WriteText(out, findings)
}
