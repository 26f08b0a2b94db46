// Package charts holds the Helm chart and the texts of its default profile, for
// programs that have no chart beside them.
package charts

import (
	"bytes"
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
	//go:embed default/webhooks.yaml
	webhooks []byte
	//go:embed default/webhooks-revision.yaml
	revisionWebhooks []byte
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

// RevisionPlaceholder stands, in what is kept of the chart, for a revision's name.
const RevisionPlaceholder = "revision-placeholder"

// Webhooks returns the webhook configuration, in YAML, that the chart gives for a
// revision where no other value is given.
func Webhooks(revision string) []byte {
	if revision == "default" {
		return append([]byte(nil), webhooks...)
	}
	return bytes.ReplaceAll(revisionWebhooks, []byte(RevisionPlaceholder), []byte(revision))
}
