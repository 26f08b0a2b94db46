package templates

import (
	"embed"
	"fmt"
	"maps"
	"slices"

	"sigs.k8s.io/yaml"
)

//go:embed corpus/*.yaml
var corpus embed.FS

// Corpus returns pods as JSON, as the API server sends them, that together reach
// every branch of the built-in templates that a pod can reach: a template that
// renders them all will hardly fail on a pod in a cluster. The order is fixed;
// each call makes new documents.
func Corpus() [][]byte {
	files := embedded(corpus, "corpus")
	pods := make([][]byte, 0, len(files))
	for _, name := range slices.Sorted(maps.Keys(files)) {
		pod, err := yaml.YAMLToJSONStrict(files[name])
		if err != nil {
			panic(fmt.Errorf("corpus/%s: %w", name, err))
		}
		pods = append(pods, pod)
	}
	return pods
}
