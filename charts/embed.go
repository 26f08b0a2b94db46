// Package charts holds the Helm chart and the texts of its default profile, for
// programs that have no chart beside them.
package charts

import (
	"embed"
	"io/fs"
)

//go:embed all:outrigger
var files embed.FS

var (
	//go:embed default/config.yaml
	config []byte
	//go:embed default/values.json
	values []byte
	//go:embed default/mesh.yaml
	mesh []byte
)

// Outrigger returns the chart: Chart.yaml is at its root.
func Outrigger() fs.FS {
	chart, err := fs.Sub(files, "outrigger")
	if err != nil {
		panic(err) // the name is a valid path
	}
	return chart
}

// Default returns the three texts that the chart puts into its ConfigMap where no
// value is given: they are made from the chart, and a test holds them to it. They
// belong to the caller.
func Default() (configText, valuesText, meshText []byte) {
	return append([]byte(nil), config...), append([]byte(nil), values...), append([]byte(nil), mesh...)
}
