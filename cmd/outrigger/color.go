package main

import (
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// addColor adds --color, for every verb. What the flag says goes with the writers that
// the verbs are given.
func addColor(root *cobra.Command) {
	when := &choice{value: "auto", of: []string{"auto", "always", "never"}}
	root.PersistentFlags().Var(when, "color", "auto, always or never: auto is on a terminal, unless NO_COLOR is set")
	root.PersistentPreRun = func(cmd *cobra.Command, _ []string) {
		if when.value == "auto" {
			return
		}
		out, err := cmd.OutOrStdout(), cmd.ErrOrStderr()
		cmd.Root().SetOut(console{out, when.value == "always"})
		cmd.Root().SetErr(console{err, when.value == "always"})
	}
}

// A console is a writer of which it is known whether it wants colours.
type console struct {
	io.Writer
	color bool
}

// colored says whether w wants colours: as it says itself, or as a terminal; see
// no-color.org.
func colored(w io.Writer) bool {
	if c, ok := w.(console); ok {
		return c.color
	}
	return os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && onTerminal(w)
}

// onTerminal says whether a person reads what is written to w.
func onTerminal(w any) bool {
	if c, ok := w.(console); ok {
		w = c.Writer
	}
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// The colours that there are: of what is added or good, taken away or wrong, and doubtful.
const (
	green  = "32"
	red    = "31"
	yellow = "33"
	cyan   = "36"
)

// painted is a text in a colour, where w wants one.
func painted(w io.Writer, code, text string) string {
	if !colored(w) {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[m"
}

// color paints a unified diff as git does.
func color(diff string) string {
	paint := func(line string) string {
		for prefix, code := range map[byte]string{'+': green, '-': red, '@': cyan} {
			if line[0] == prefix {
				return "\x1b[" + code + "m" + strings.TrimSuffix(line, "\n") + "\x1b[m\n"
			}
		}
		return line
	}
	var out strings.Builder
	for line := range strings.Lines(diff) {
		out.WriteString(paint(line))
	}
	return out.String()
}

// printDiff writes a unified diff.
func printDiff(w io.Writer, diff string) error {
	if colored(w) {
		diff = color(diff)
	}
	_, err := io.WriteString(w, diff)
	return err
}
