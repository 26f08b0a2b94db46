// Command pilot-agent is the program of the stand-in for Istio's proxy image. It
// is test equipment, and has that name because the built-in templates call it so:
//
//	pilot-agent istio-iptables -p 15001 ...   set or validate the rules of a pod
//	pilot-agent proxy sidecar|router ...      be the proxy
//	pilot-agent wait                          wait until the proxy is ready
//	pilot-agent request POST drain            ask the proxy for something
//
// The exit status is 0 if that was done, 126 if validation found that connections
// are not redirected, 64 for a wrong command line, and else 1.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/pflag"

	"outrigger.dev/outrigger/test/standin/redirect"
)

const usage = `A stand-in for Istio's proxy image, for tests. It does what the built-in
templates ask of their image, and nothing more.

Usage:
  pilot-agent istio-iptables [flags]
  pilot-agent proxy sidecar|router [flags]
  pilot-agent wait [flags]
  pilot-agent request [flags] METHOD PATH

-h after a command lists its flags.
`

// A program is what a command needs of its process.
type program struct {
	env            func(string) string
	stdout, stderr io.Writer
}

// usageError is a wrong command line.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	os.Exit(program{os.Getenv, os.Stdout, os.Stderr}.run(ctx, os.Args[1:]))
}

func (p program) run(ctx context.Context, args []string) int {
	err := p.command(ctx, args)
	if err == nil || errors.Is(err, pflag.ErrHelp) {
		return 0
	}
	fmt.Fprintf(p.stderr, "error: %v\n", err)
	if _, wrong := errors.AsType[usageError](err); wrong {
		fmt.Fprintln(p.stderr, "hint: pilot-agent --help")
		return 64
	}
	if errors.Is(err, redirect.ErrNotRedirected) {
		fmt.Fprintln(p.stderr, "hint: a CNI plugin has to set the rules of this pod, before its containers start")
		return 126
	}
	return 1
}

func (p program) command(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return usageError{errors.New("no command, wanted istio-iptables, proxy, wait or request")}
	}
	switch name, rest := args[0], args[1:]; name {
	case "istio-iptables":
		return p.iptables(ctx, rest)
	case "proxy":
		return p.proxy(ctx, rest)
	case "wait":
		return p.wait(ctx, rest)
	case "request":
		return p.request(ctx, rest)
	case "-h", "--help", "help":
		fmt.Fprint(p.stdout, usage)
		return nil
	default:
		return usageError{fmt.Errorf("command %q: unknown, wanted istio-iptables, proxy, wait or request", name)}
	}
}

// flags is a set of flags of a command, whose usage goes to standard output.
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
