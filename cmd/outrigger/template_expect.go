package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"outrigger.dev/outrigger/inject"
	"outrigger.dev/outrigger/internal/templatetest"
)

const templateTestHelp = `Run tests of templates: pods, and what they have to become.

  %s template test --config config.yaml shop.test.yaml

A file of tests:

  apiVersion: outrigger.dev/v1alpha1
  kind: TemplateTest
  tests:
  - name: the shop gets its log shipper
    file: shop.yaml                # beside this file; or pod: {...}
    namespace:                     # without it, one that is enabled
      labels: {istio-injection: enabled}
    native: true                   # what the nodes can; true without it
    want:
      decision: inject             # or skip, or deny; inject without it
      reason: policy               # docs/decision.md lists them
      templates: [sidecar]
      warnings: ["part of a warning"]
      pod:                         # a part of what the pod becomes
        spec:
          containers:
          - name: log-shipper      # lists are searched by name
            image: example.com/log-shipper:2.1
          hostNetwork: null        # must not be there

Exit status: 0, or 1 where a test fails.`

// newTemplateTest is the verb that runs tests of templates.
func newTemplateTest(program string) *cobra.Command {
	var c configuration
	cmd := &cobra.Command{
		Use:   "test FILE...",
		Short: "Run tests of templates: pods, and what they have to become",
		Long:  fmt.Sprintf(templateTestHelp, program),
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError{hinted{errors.New("no tests"), cmd.CommandPath() + " FILE..."}}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return c.test(cmd, args) },
	}
	c.addTo(cmd.Flags())
	return cmd
}

// test runs the tests of all files. Nothing runs where a file cannot be read.
func (c *configuration) test(cmd *cobra.Command, names []string) error {
	injector, err := c.injector()
	if err != nil {
		return err
	}
	files := make([]templatetest.File, len(names))
	var errs []error
	for i, name := range names {
		files[i], err = templatetest.Read(name)
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	run, failed := 0, 0
	for i, file := range files {
		for _, test := range file.Tests {
			ok, err := runTest(cmd, injector, names[i], test)
			if err != nil {
				return err
			}
			run++
			if !ok {
				failed++
			}
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %s failed", failed, count(run, "test"))
	}
	return nil
}

// runTest prints how a test went.
func runTest(cmd *cobra.Command, injector *inject.Injector, file string, test templatetest.Test) (ok bool, err error) {
	differences, err := test.Run(injector)
	if err != nil {
		return false, fmt.Errorf("%s: %s: %w", file, test.Name, err)
	}
	word := "ok"
	if len(differences) > 0 {
		word = "FAIL"
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%-4s  %s: %s\n", word, file, test.Name)
	for _, difference := range differences {
		fmt.Fprintf(cmd.OutOrStdout(), "      %s\n", printable(difference))
	}
	return len(differences) == 0, nil
}
