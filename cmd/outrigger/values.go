package main

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"outrigger.dev/outrigger/internal/lifecycle"
)

// valueFlags are what says with which values of the chart.
type valueFlags struct {
	files, set []string
}

func (v *valueFlags) add(f *pflag.FlagSet) {
	f.StringArrayVarP(&v.files, "filename", "f", nil, "`file` with values of the chart, or - for standard input; may be repeated, the last one wins")
	f.StringArrayVar(&v.set, "set", nil, "a value of the chart as `path.to.key=value`; may be repeated")
}

// read gives the values that the command line says, unchecked.
func (v *valueFlags) read(cmd *cobra.Command) (lifecycle.Values, error) {
	files, err := readFiles(v.files, cmd.InOrStdin())
	if err != nil {
		return nil, err
	}
	var texts []lifecycle.Text
	for _, f := range files {
		texts = append(texts, lifecycle.Text{Name: f.name, Content: f.content})
	}
	return lifecycle.ReadValues(texts, v.set)
}
