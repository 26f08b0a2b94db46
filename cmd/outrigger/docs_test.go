package main

import (
	"bytes"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
)

var update = flag.Bool("update", false, "write docs/cli.md from the commands")

const (
	cliPage  = "../../docs/cli.md"
	cliIntro = "# The command line\n\n<!-- Generated: go test ./cmd/outrigger -run TestCLIPage -update -->\n\n" +
		"`outrigger`, or `kubectl outrigger` where it is installed as `kubectl-outrigger`. Standard output carries the result\n" +
		"and nothing else; standard error what happens, and what is wrong. With `-o json` a result has its `apiVersion`.\n\n"
)

// The page of the command line is what the commands say of themselves.
func TestCLIPage(t *testing.T) {
	page := cliIntro + "```\n" + exitTable + "\n```\n" + pageOf(newRoot("outrigger"))
	if *update {
		if err := os.WriteFile(cliPage, []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	is, err := os.ReadFile(cliPage)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(is), page); diff != "" {
		t.Errorf("%s is stale, run: go test ./cmd/outrigger -run TestCLIPage -update\n-page +now\n%s", cliPage, diff)
	}
}

// pageOf has a section for every command that does something.
func pageOf(cmd *cobra.Command) string {
	var b strings.Builder
	for _, c := range cmd.Commands() {
		if c.Hidden || c.Name() == "help" || c.Name() == "completion" {
			continue
		}
		if c.HasSubCommands() {
			b.WriteString(pageOf(c))
			continue
		}
		about := c.Long
		if about == "" {
			about = c.Short
		}
		var flags bytes.Buffer
		flags.WriteString(c.NonInheritedFlags().FlagUsages())
		b.WriteString("\n## " + c.CommandPath() + "\n\n```\n" + strings.TrimSpace(about) + "\n\n  " + c.UseLine() + "\n\n" + flags.String() + "```\n")
	}
	return b.String()
}

// Every command has an example first in its help, or is understood without one.
func TestHelpBeginsWithAnExample(t *testing.T) {
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		for _, c := range cmd.Commands() {
			if c.Name() == "help" || c.Name() == "completion" {
				continue
			}
			if parts := strings.SplitN(c.Long, "\n\n", 3); len(parts) < 2 || !strings.HasPrefix(parts[1], "  outrigger ") {
				t.Errorf("%s: its help has no example after the first line", c.CommandPath())
			}
			walk(c)
		}
	}
	walk(newRoot("outrigger"))
}
