// Ui gets what the tests of the dry run's page need:
//
//	ui deps     says what the machine lacks, and installs it where it is Debian's or npm's
//
// It ends with 0 when all is there, with 1 when something is missing, and with 64 for a
// wrong command line. What installers say goes to standard error.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"outrigger.dev/outrigger/test/controlplane/debian"
	"outrigger.dev/outrigger/test/ui"
)

const usage = `Usage: ui deps

    deps     say what this machine lacks for the page's tests, and install it where
             it is Debian's or npm's

Example:
    ui deps && go test ./...
`

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run carries out one command line and returns the exit status.
func run(args []string, stdout, stderr io.Writer) int {
	switch {
	case len(args) == 1 && args[0] == "deps":
	case len(args) == 1 && strings.TrimLeft(args[0], "-") == "help":
		fmt.Fprint(stdout, usage)
		return 0
	default:
		fmt.Fprint(stderr, usage)
		return 64
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := install(ctx, stdout, stderr); err != nil {
		fmt.Fprintln(stderr, "error:", err)
		return 1
	}
	return 0
}

// install says what is missing, installs it, and fails if something is still missing then.
func install(ctx context.Context, stdout, stderr io.Writer) error {
	needs := ui.Missing()
	if len(debian.Packages(needs)) > 0 {
		if err := debian.Install(ctx, needs, stdout, stderr); err != nil {
			return err
		}
		needs = ui.Missing()
	}
	if len(needs) > 0 {
		return missing(needs)
	}
	folder, err := ui.Install(ctx, stderr)
	if err != nil {
		return err
	}
	fmt.Fprintln(stdout, "this machine has all that the page's tests need; npm's packages are in", folder)
	return nil
}

// missing says what is missing.
func missing(needs []ui.Need) error {
	var b strings.Builder
	b.WriteString("this machine cannot try the page in a browser:")
	for _, n := range needs {
		b.WriteString("\n  " + n.String())
	}
	return errors.New(b.String())
}
