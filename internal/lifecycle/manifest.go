package lifecycle

import (
	"bytes"
	"fmt"
	"path"
	"strings"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/engine"
	releaseutil "helm.sh/helm/v4/pkg/release/v1/util"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"outrigger.dev/outrigger/internal/cluster"
)

// DefaultNamespace is where Outrigger is installed where no other is named.
const DefaultNamespace = "outrigger-system"

// A Manifest is an object to be applied.
type Manifest struct {
	Object unstructured.Unstructured
	// Text is the object in YAML, with the comments of the chart.
	Text string
}

// Title names the object: kind, and namespace/name or name.
func (m Manifest) Title() string { return title(&m.Object) }

func title(o *unstructured.Unstructured) string {
	if o.GetNamespace() == "" {
		return o.GetKind() + " " + o.GetName()
	}
	return o.GetKind() + " " + o.GetNamespace() + "/" + o.GetName()
}

// Render gives the objects that an installation with these values consists of, in the
// order in which they are applied, its namespace first. The same values give the same
// bytes. Values that the chart refuses are an error, and so are those that its schema
// does, by the path of each that is wrong.
func Render(values Values, namespace string) ([]Manifest, error) {
	if err := values.Check(); err != nil {
		return nil, err
	}
	if _, err := Complete(values); err != nil {
		return nil, err
	}
	c, err := loadChart()
	if err != nil {
		return nil, err
	}
	return renderChart(c, values, ReleaseName(values.Revision()), namespace)
}

// ReleaseName is what the release of a revision is called, unless somebody chose a name.
func ReleaseName(revision string) string {
	return cluster.Revised(ChartName, revision)
}

// renderChart renders any version of the chart.
func renderChart(c *chart.Chart, values Values, release, namespace string) ([]Manifest, error) {
	options := common.ReleaseOptions{Name: release, Namespace: namespace, Revision: 1, IsInstall: true}
	top, err := util.ToRenderValues(c, values.clone(), options, common.DefaultCapabilities.Copy())
	if err != nil {
		return nil, err
	}
	files, err := engine.Render(c, top)
	if err != nil {
		return nil, chartError(err)
	}
	for name := range files {
		if path.Base(name) == "NOTES.txt" {
			delete(files, name)
		}
	}
	_, sorted, err := releaseutil.SortManifests(files, nil, releaseutil.InstallOrder)
	if err != nil {
		return nil, err
	}
	all := []Manifest{namespaceManifest(namespace)}
	for _, s := range sorted {
		m, err := readManifest(s.Content)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.Name, err)
		}
		all = append(all, m)
	}
	if len(all) == 1 { // the profile empty is
		return nil, nil
	}
	return all, nil
}

func namespaceManifest(name string) Manifest {
	m, err := readManifest("apiVersion: v1\nkind: Namespace\nmetadata:\n  name: " + name)
	if err != nil {
		panic(err)
	}
	return m
}

func readManifest(text string) (Manifest, error) {
	m := Manifest{Text: strings.TrimSpace(text) + "\n"}
	return m, yaml.Unmarshal([]byte(text), &m.Object.Object)
}

// chartError is what a template of the chart says by "fail", without where in the
// template that was.
func chartError(err error) error {
	if err == nil {
		return nil
	}
	if _, said, ok := strings.Cut(err.Error(), "execution error at ("); ok {
		if _, said, ok = strings.Cut(said, "): "); ok {
			return fmt.Errorf("values: %s", said)
		}
	}
	return err
}

// Write gives manifests as one YAML stream.
func Write(manifests []Manifest) []byte {
	var all bytes.Buffer
	for _, m := range manifests {
		all.WriteString("---\n" + m.Text)
	}
	return all.Bytes()
}

// ReadManifests reads a YAML stream of objects. A List's items are objects of their own.
func ReadManifests(from Text) ([]Manifest, error) {
	var all []Manifest
	keys := releaseutil.SplitManifests(string(from.Content))
	for i := range len(keys) {
		m, err := readManifest(keys[fmt.Sprintf("manifest-%d", i)])
		if err != nil {
			return nil, fmt.Errorf("%s: document %d: %w", from.Name, i+1, err)
		}
		if m.Object.Object == nil {
			continue
		}
		if m.Object.GetKind() == "" || m.Object.GetName() == "" && !m.Object.IsList() {
			return nil, fmt.Errorf("%s: document %d: no kind or no name, want a manifest", from.Name, i+1)
		}
		if !m.Object.IsList() {
			all = append(all, m)
			continue
		}
		err = m.Object.EachListItem(func(item runtimeObject) error {
			o := item.(*unstructured.Unstructured)
			text, err := yamlText(o.Object)
			all = append(all, Manifest{*o, string(text)})
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("%s: document %d: %w", from.Name, i+1, err)
		}
	}
	return all, nil
}
