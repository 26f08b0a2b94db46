package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// outputChoice is the form in which manifests are given back.
func outputChoice() choice {
	return choice{value: "yaml", of: []string{"yaml", "json", "patch", "diff"}}
}

// addFiles adds the flags of a verb that takes manifests and gives them back.
func addFiles(f *pflag.FlagSet, files *[]string, output *choice) {
	f.StringArrayVarP(files, "filename", "f", nil, "manifests: a `file`, a folder, or - for standard input; may be repeated")
	f.VarP(output, "output", "o", "yaml, json (a value per document), patch (a JSON Patch per document) or diff")
}

// filesOnly refuses a command line without manifests, and anything but flags.
func filesOnly(files *[]string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 && len(*files) > 0 {
			return nil
		}
		if len(args) > 0 {
			return usageError{hinted{fmt.Errorf("%q is no flag", args[0]), cmd.CommandPath() + " -f " + args[0]}}
		}
		return usageError{hinted{errors.New("no input"), cmd.CommandPath() + " -f FILE, or -f - for standard input"}}
	}
}

// A choice is a flag that takes one of a few words.
type choice struct {
	value string
	of    []string
}

func (c *choice) String() string { return c.value }
func (c *choice) Type() string   { return strings.Join(c.of, "|") }

// Set is called with what the command line says.
func (c *choice) Set(value string) error {
	for _, word := range c.of {
		if value == word {
			c.value = value
			return nil
		}
	}
	last := len(c.of) - 1
	if last == 0 {
		return fmt.Errorf("want %s", c.of[0])
	}
	return fmt.Errorf("want %s or %s", strings.Join(c.of[:last], ", "), c.of[last])
}
