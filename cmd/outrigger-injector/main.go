// Command outrigger-injector is the server: a mutating admission webhook that
// adds sidecars to pods. "outrigger-injector --help" lists its flags; what it
// starts and stops, and in which order, is in serve.go. With --check it looks whether
// an installation works, as "outrigger check" does, for "helm test".
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
)

// Exit statuses.
const (
	exitOK       = 0
	exitFault    = 1
	exitUsage    = 64
	exitFindings = 79 // as "outrigger check" has it
)

// garbagePercent is how much garbage there may be for what is in use. Most of that
// is what is remembered and hardly ever changes, so that collecting twice as often
// as Go's default costs little, and saves a fifth of the memory.
const garbagePercent = 50

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// Whoever signals twice does not want to wait.
	context.AfterFunc(ctx, stop)
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbagePercent)
	}
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run is the program: it returns the exit status when the server has stopped.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parse(args, stdout)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	case err != nil:
		fmt.Fprintf(stderr, "outrigger-injector: %v\nhint: outrigger-injector --help\n", err)
		return exitUsage
	case o.version:
		fmt.Fprintln(stdout, "outrigger-injector", buildVersion())
		return exitOK
	case o.check:
		return checkInstallation(ctx, o, stdout, stderr)
	}
	log, err := newLog(stderr, o.logLevel, o.logFormat)
	if err != nil {
		fmt.Fprintf(stderr, "outrigger-injector: %v\nhint: outrigger-injector --help\n", err)
		return exitUsage
	}
	if err := serve(ctx, o, log); err != nil {
		log.Error("stopped", "err", err)
		return exitFault
	}
	log.Info("stopped")
	return exitOK
}

// version is set by the linker where there is no build information, as in an image.
var version string

// buildVersion is which build this is.
func buildVersion() string {
	if version != "" {
		return version
	}
	if build, ok := debug.ReadBuildInfo(); ok && build.Main.Version != "" {
		return build.Main.Version
	}
	return "(devel)"
}
