package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"outrigger.dev/outrigger/test/cluster"
	"outrigger.dev/outrigger/test/controlplane/debian"
)

// install says what the machine lacks, installs what is Debian's, and fails if something is
// still missing then. look finds out: it is [cluster.Missing], but for tests.
func install(ctx context.Context, look func() []cluster.Need, stdout, stderr io.Writer) error {
	needs := look()
	if len(debian.Packages(needs)) == 0 {
		return conclude(needs, stdout)
	}
	if err := debian.Install(ctx, needs, stdout, stderr); err != nil {
		return err
	}
	return conclude(look(), stdout)
}

// conclude says that nothing is missing, or what is.
func conclude(needs []cluster.Need, stdout io.Writer) error {
	if len(needs) > 0 {
		return missing(needs)
	}
	fmt.Fprintln(stdout, "this machine has all that a cluster needs")
	return nil
}

// missing says what is missing.
func missing(needs []cluster.Need) error {
	var b strings.Builder
	b.WriteString("this machine cannot run a cluster:")
	for _, n := range needs {
		b.WriteString("\n  " + n.String())
	}
	if len(debian.Packages(needs)) > 0 {
		b.WriteString("\nhint: make cluster-deps")
	}
	return errors.New(b.String())
}
