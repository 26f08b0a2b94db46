// Command app is the application of tests on real pods, and is test equipment: one
// program for a server with probes, a client, a writer of logs, who ships them, and
// who ends with a status.
//
//	app serve                    answer HTTP, HTTPS, TCP and gRPC
//	app get URL                  ask for a URL, once, until it answers, or in a loop
//	app write FILE               write lines to a log file
//	app logs                     print what is written to the files of a folder
//	app exit STATUS              end with a status
//
// Told to stop, each ends with 0, a server once it has answered what it was asked.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/spf13/pflag"
)

const usage = `The application of tests on real pods.

Usage:
  app serve [flags]            answer HTTP, HTTPS, TCP and gRPC
  app get [flags] URL          ask for a URL
  app write [flags] FILE       write lines to a log file
  app logs [flags]             print what is written to the files of a folder
  app exit [flags] STATUS      end with a status

-h after a command lists its flags.
`

// A program is where a command writes to.
type program struct{ stdout, stderr io.Writer }

// status is an error that is nothing but the exit status.
type status int

func (s status) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

// usageError is a wrong command line.
type usageError struct{ error }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	os.Exit(program{os.Stdout, os.Stderr}.run(ctx, os.Args[1:]))
}

func (p program) run(ctx context.Context, args []string) int {
	err := p.command(ctx, args)
	if err == nil || errors.Is(err, pflag.ErrHelp) {
		return 0
	}
	if s, ok := errors.AsType[status](err); ok {
		return int(s)
	}
	fmt.Fprintf(p.stderr, "error: %v\n", err)
	if _, wrong := errors.AsType[usageError](err); wrong {
		fmt.Fprintln(p.stderr, "hint: app --help")
		return 64
	}
	return 1
}

func (p program) command(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return usageError{errors.New("no command, wanted serve, get, write, logs or exit")}
	}
	switch name, rest := args[0], args[1:]; name {
	case "serve":
		return p.serve(ctx, rest)
	case "get":
		return p.get(ctx, rest)
	case "write":
		return p.write(ctx, rest)
	case "logs":
		return p.logs(ctx, rest)
	case "exit":
		return p.exit(ctx, rest)
	case "-h", "--help", "help":
		fmt.Fprint(p.stdout, usage)
		return nil
	default:
		return usageError{fmt.Errorf("command %q: unknown, wanted serve, get, write, logs or exit", name)}
	}
}

// exit ends with the status that it is given.
func (p program) exit(ctx context.Context, args []string) error {
	f := p.flags("exit")
	after := f.Duration("after", 0, "how long to wait before")
	if err := parse(f, args, "STATUS", 1); err != nil {
		return err
	}
	code, err := strconv.ParseUint(f.Arg(0), 10, 8)
	if err != nil {
		return usageError{fmt.Errorf("exit: %q: no status, wanted a number from 0 to 255", f.Arg(0))}
	}
	if err := pause(ctx, *after); err != nil || code == 0 {
		return nil
	}
	return status(code)
}

func (p program) flags(name string) *pflag.FlagSet {
	f := pflag.NewFlagSet(name, pflag.ContinueOnError)
	f.SetOutput(p.stdout)
	return f
}

// parse reads a command's flags and wants so many other arguments.
func parse(f *pflag.FlagSet, args []string, want string, n int) error {
	if err := f.Parse(args); errors.Is(err, pflag.ErrHelp) {
		return err
	} else if err != nil {
		return usageError{err}
	}
	if f.NArg() != n {
		return usageError{fmt.Errorf("%s: %d arguments %q, wanted %s", f.Name(), f.NArg(), f.Args(), want)}
	}
	return nil
}

// pause waits. The error is that of ctx, if that ends before.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
