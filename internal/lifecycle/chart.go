package lifecycle

import (
	"fmt"
	"io/fs"

	"helm.sh/helm/v4/pkg/chart/loader/archive"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"

	"outrigger.dev/outrigger/charts"
)

// ChartName is what releases of Outrigger are releases of.
const ChartName = "outrigger"

// loadChart reads the chart that is embedded. It is the caller's.
func loadChart() (*chart.Chart, error) {
	files := charts.Outrigger()
	var all []*archive.BufferedFile
	err := fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := fs.ReadFile(files, name)
		all = append(all, &archive.BufferedFile{Name: name, Data: data})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("embedded chart: %w", err)
	}
	return loader.LoadFiles(all)
}
