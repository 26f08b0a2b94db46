package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"outrigger.dev/outrigger/internal/check"
)

const (
	// checkAgain is how soon --wait looks again, and checkPatience how long one look may
	// take: longer than a webhook may.
	checkAgain    = time.Second
	checkPatience = 40 * time.Second
)

// A checking is what the verb check is told.
type checking struct {
	kubeconfig, context string
	of                  check.Installation
	output, threshold   choice
	wait                time.Duration
}

// newCheck is the verb that asks a cluster whether an installation works.
func newCheck(name string) *cobra.Command {
	c := &checking{
		output:    choice{value: "text", of: []string{"text", "json"}},
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
			config, err := c.connect()
			if err != nil {
				return err
			}
			return c.run(cmd.Context(), config, cmd.OutOrStdout())
		},
	}
	f := cmd.Flags()
	f.StringVar(&c.kubeconfig, "kubeconfig", "", "`file` that says how to reach the cluster, in place of $KUBECONFIG and ~/.kube/config")
	f.StringVar(&c.context, "context", "", "`name` of a context in it, in place of the current one")
	f.StringVarP(&c.of.Namespace, "namespace", "n", "outrigger-system", "`namespace` that Outrigger is in")
	f.StringVar(&c.of.Revision, "revision", "default", "the `revision` that is looked at")
	f.VarP(&c.output, "output", "o", "text (a line for each finding) or json")
	f.Var(&c.threshold, "failure-threshold", "error, warning or note: from which on the exit status is 79")
	f.DurationVar(&c.wait, "wait", 0, "look again and again for so long, until there is no such finding")
	return cmd
}

// connect reads the kubeconfig.
func (c *checking) connect() (*rest.Config, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = c.kubeconfig
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &clientcmd.ConfigOverrides{CurrentContext: c.context}).ClientConfig()
	if err != nil {
		return nil, hinted{fmt.Errorf("kubeconfig: %w", err), "name a file with --kubeconfig, and one of its contexts with --context"}
	}
	config.UserAgent = "outrigger/" + version()
	return config, nil
}

// run looks, again and again where it is told to, and prints what it found last.
func (c *checking) run(ctx context.Context, config *rest.Config, out io.Writer) error {
	cluster, err := check.Connect(config)
	if err != nil {
		return err
	}
	for until := time.Now().Add(c.wait); ; {
		looking, done := context.WithTimeout(ctx, checkPatience)
		findings := cluster.Check(looking, c.of)
		done()
		failed := check.Worst(findings).AtLeast(check.Level(c.threshold.value))
		if !failed || !time.Now().Before(until) {
			if err := c.print(out, findings, failed); err != nil || !failed {
				return err
			}
			return statusError{status: exitFindings}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(checkAgain):
		}
	}
}

// print writes the findings as the flag says.
func (c *checking) print(out io.Writer, findings []check.Finding, failed bool) error {
	if c.output.value == "json" {
		encoder := json.NewEncoder(out)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		return encoder.Encode(struct {
			check.Installation
			OK       bool            `json:"ok"`
			Findings []check.Finding `json:"findings"`
		}{c.of, !failed, findings})
	}
	for _, f := range findings {
		if _, err := fmt.Fprintf(out, "%s: %s: %s\n", f.Level, f.Check, printable(f.Text)); err != nil {
			return err
		}
		if f.Cure != "" {
			fmt.Fprintf(out, "hint: %s\n", printable(f.Cure))
		}
	}
	return nil
}
