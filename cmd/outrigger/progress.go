package main

import (
	"bufio"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"outrigger.dev/outrigger/internal/lifecycle"
)

// stateColors are those of what happens to objects.
var stateColors = map[string]string{"created": green, "updated": green, "ready": green, "deleted": red, "waiting": yellow}

// progressOf prints what happens, a line each, on standard error.
func progressOf(cmd *cobra.Command) lifecycle.Progress {
	w := cmd.ErrOrStderr()
	return func(e lifecycle.Event) {
		switch e.State {
		case "step":
			fmt.Fprintf(w, "%s\n", printable(e.Detail))
		case "note":
			fmt.Fprintf(w, "note: %s\n", printable(strings.ReplaceAll(e.Detail, "\n", " ")))
		default:
			text := e.Object
			if e.Detail != "" {
				text += ": " + e.Detail
			}
			fmt.Fprintf(w, "  %s %s\n", painted(w, stateColors[e.State], fmt.Sprintf("%-7s", e.State)), printable(strings.ReplaceAll(text, "\n", " ")))
		}
	}
}

// errNotConfirmed is that a person said no.
var errNotConfirmed = errors.New("nothing was done")

// confirm asks, unless the command line has answered. Where nobody can be asked the
// answer is no.
func confirm(cmd *cobra.Command, yes bool, question string) error {
	if yes {
		return nil
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "%s [y/N] ", question)
	answer, err := bufio.NewReader(cmd.InOrStdin()).ReadString('\n')
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return nil
	}
	if err != nil {
		fmt.Fprintln(cmd.ErrOrStderr())
		return hinted{fmt.Errorf("%w: there was no answer", errNotConfirmed), "-y answers yes beforehand"}
	}
	return errNotConfirmed
}

// printFindings prints findings of at least a level, on standard error.
func printFindings(cmd *cobra.Command, all []lifecycle.Finding, least lifecycle.Level) {
	w := cmd.ErrOrStderr()
	colors := map[lifecycle.Level]string{lifecycle.Error: red, lifecycle.Warning: yellow}
	for _, f := range all {
		if !atLeast(f.Level, least) {
			continue
		}
		level := string(f.Level)
		if code := colors[f.Level]; code != "" {
			level = painted(w, code, level)
		}
		fmt.Fprintf(w, "%s: %s: %s\n", level, printable(f.About), printable(strings.ReplaceAll(f.What, "\n", " ")))
		if f.Cure != "" {
			fmt.Fprintf(w, "hint: %s\n", printable(f.Cure))
		}
	}
}

// atLeast says whether a level is as bad as another, or worse.
func atLeast(level, least lifecycle.Level) bool {
	reached := false
	for _, l := range lifecycle.Levels {
		reached = reached || l == least
		if l == level {
			return reached
		}
	}
	return false
}
