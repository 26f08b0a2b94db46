// Outrigger adds sidecars to Kubernetes pods, and says why it did or did not.
// Installed as kubectl-outrigger it is also "kubectl outrigger".
//
// Its voice: standard output carries the result and nothing else. On standard
// error, a line begins with what it is, without a capital or a full stop:
//
//	error: what went wrong, subject first
//	hint: the one thing to do about it, where there is one
//	warning: what is doubtful, and is done all the same
//	note: what the reader may not know
//	skipped Kind namespace/name: reason: sentence
//
// Exit status: [exitTable] has them all.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	os.Exit(run(os.Args, os.Stdin, os.Stdout, os.Stderr))
}

// run is the whole program: args as the system gives them, name first. It
// returns the exit status.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := newRoot(args[0])
	root.SetArgs(args[1:])
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	var status statusError
	if !errors.As(err, &status) || status.error != nil {
		report(stderr, err)
	}
	switch {
	case errors.As(err, new(usageError)):
		return exitUsage
	case status.status != exitOK:
		return status.status
	}
	return exitError
}

const rootHelp = `Sidecars for Kubernetes pods, and the reason why.

  %[1]s inject -f app.yaml | kubectl apply -f -

`

// newRoot is the command that the verbs hang on.
func newRoot(program string) *cobra.Command {
	name := "outrigger"
	if strings.HasPrefix(filepath.Base(program), "kubectl-") {
		name = "kubectl outrigger"
	}
	root := &cobra.Command{
		Use:           "outrigger",
		Short:         "Sidecars for Kubernetes pods, and the reason why",
		Long:          fmt.Sprintf(rootHelp, name) + exitTable,
		Annotations:   map[string]string{cobra.CommandDisplayNameAnnotation: name},
		SilenceErrors: true,
		SilenceUsage:  true,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			hint := cmd.CommandPath() + " --help lists the commands"
			if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
				hint = cmd.CommandPath() + " " + near[0]
			}
			return usageError{hinted{fmt.Errorf("%q is no command", args[0]), hint}}
		},
		RunE:                       func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		SuggestionsMinimumDistance: 2,
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usageError{hinted{err, cmd.CommandPath() + " --help"}}
	})
	addColor(root)
	root.AddCommand(
		newInject(name),
		newExplain(name),
		newAnalyze(name),
		newDashboard(name),
		newUninject(name),
		newAnnotations(name),
		newProfile(name),
		newManifest(name),
		newInstall(name),
		newUninstall(name),
		newPrecheck(name),
		newCheck(name),
		newMissed(name),
		newStatus(name),
		newRestart(name),
		newTemplate(name),
		newTag(name),
		newPause(name),
		newResume(name),
		newVersion(name),
	)
	return root
}

// A hinted error is one that there is one thing to do about.
type hinted struct {
	error
	hint string
}

func (h hinted) Unwrap() error { return h.error }

// A usageError is a command line that is not understood.
type usageError struct{ error }

func (u usageError) Unwrap() error { return u.error }

// report prints an error; joined ones a line each.
func report(w io.Writer, err error) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, err := range joined.Unwrap() {
			report(w, err)
		}
		return
	}
	fmt.Fprintf(w, "error: %s\n", printable(err.Error()))
	var h hinted
	if errors.As(err, &h) {
		fmt.Fprintf(w, "hint: %s\n", h.hint)
	}
}

// inEach is err about a subject; joined errors are each about it.
func inEach(subject string, err error) error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return fmt.Errorf("%s: %w", subject, err)
	}
	var all []error
	for _, err := range joined.Unwrap() {
		all = append(all, inEach(subject, err))
	}
	return errors.Join(all...)
}

// printable keeps what a manifest says from moving the reader's cursor: control
// characters are written as Go escapes them.
func printable(text string) string {
	if strings.IndexFunc(text, unprintable) < 0 {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if unprintable(r) {
			fmt.Fprintf(&b, "\\x%02x", r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

func unprintable(r rune) bool { return r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 }

// noArguments refuses what is not a flag.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return usageError{hinted{fmt.Errorf("%q is one argument too many", args[0]), cmd.CommandPath() + " --help"}}
}

// atMost refuses more arguments than so many.
func atMost(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error { return noArguments(cmd, args[min(n, len(args)):]) }
}

// exactly wants so many arguments; what says of what.
func exactly(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < n {
			return usageError{hinted{fmt.Errorf("%d arguments, want %s", len(args), what), cmd.UseLine()}}
		}
		return noArguments(cmd, args[n:])
	}
}
