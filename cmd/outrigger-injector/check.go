package main

import (
	"context"
	"fmt"
	"io"

	"outrigger.dev/outrigger/internal/check"
	"outrigger.dev/outrigger/internal/cluster"
)

// checkInstallation says whether the installation of the flags works, from where the server
// could be: as the pod of "helm test" does. It returns the exit status.
func checkInstallation(ctx context.Context, o *options, stdout, stderr io.Writer) int {
	findings, err := lookAt(ctx, o)
	if err == nil {
		err = check.WriteText(stdout, findings)
	}
	switch {
	case err != nil:
		fmt.Fprintln(stderr, "outrigger-injector:", err)
		return exitFault
	case check.Worst(findings).AtLeast(check.Error):
		return exitFindings
	}
	return exitOK
}

// lookAt looks until there is nothing to warn of, for as long as it may.
func lookAt(ctx context.Context, o *options) ([]check.Finding, error) {
	config, err := cluster.Connect(o.kubeconfig, "outrigger-injector/"+buildVersion())
	if err != nil {
		return nil, err
	}
	c, err := check.Connect(config)
	if err != nil {
		return nil, err
	}
	return c.Await(ctx, check.Installation{Namespace: o.namespace, Revision: o.revision, Ask: o.checkNamespace}, check.Warning, o.checkWait)
}
