package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"

	"outrigger.dev/outrigger/test/cluster"
)

// install says what the machine lacks, installs what is Debian's, and fails if something is
// still missing then. look finds out: it is [cluster.Missing], but for tests.
func install(ctx context.Context, look func() []cluster.Need, stdout, stderr io.Writer) error {
	needs := look()
	packages := cluster.Packages(needs)
	if len(packages) == 0 {
		return conclude(needs, stdout)
	}
	for _, n := range needs {
		fmt.Fprintln(stdout, n)
	}
	if _, err := exec.LookPath("apt-get"); err != nil {
		return fmt.Errorf("this is not Debian (there is no apt-get): install what brings these by other means: %s",
			strings.Join(packages, " "))
	}
	for _, args := range [][]string{
		{"update", "--quiet=2"},
		append([]string{"install", "--quiet", "--yes", "--no-install-recommends"}, packages...),
	} {
		fmt.Fprintf(stdout, "$ apt-get %s\n", strings.Join(args, " "))
		cmd := exec.CommandContext(ctx, "apt-get", args...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		cmd.Stdout, cmd.Stderr = stderr, stderr
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("apt-get %s: %w", args[0], err)
		}
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
	if len(cluster.Packages(needs)) > 0 {
		b.WriteString("\nhint: make cluster-deps")
	}
	return errors.New(b.String())
}
