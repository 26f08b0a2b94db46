package charts_test

import (
	"bytes"
	"flag"
	"io/fs"
	"path"
	"slices"
	"strings"
	"testing"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	"helm.sh/helm/v4/pkg/chart/loader/archive"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/engine"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/yaml"

	"outrigger.dev/outrigger/charts"
)

var update = flag.Bool("update", false, "write what is wanted from what the chart gives")

// load reads the chart from what is embedded, as a program without files would.
func load(t *testing.T) *chart.Chart {
	t.Helper()
	var files []*archive.BufferedFile
	chartFS := charts.Outrigger()
	err := fs.WalkDir(chartFS, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := fs.ReadFile(chartFS, name)
		files = append(files, &archive.BufferedFile{Name: name, Data: data})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	c, err := loader.LoadFiles(files)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// render gives the chart's manifests in the order of their files, and its notes.
func render(t *testing.T, values string) (manifests, notes string, err error) {
	t.Helper()
	c := load(t)
	given, err := common.ReadValues([]byte(values))
	if err != nil {
		t.Fatal(err)
	}
	release := common.ReleaseOptions{Name: "outrigger", Namespace: "outrigger-system", Revision: 1, IsInstall: true}
	top, err := util.ToRenderValues(c, given, release, nil)
	if err != nil {
		return "", "", err
	}
	rendered, err := engine.Render(c, top)
	if err != nil {
		return "", "", err
	}
	var names []string
	for name := range rendered {
		names = append(names, name)
	}
	slices.Sort(names)
	var all bytes.Buffer
	for _, name := range names {
		text := strings.TrimSpace(rendered[name])
		switch {
		case path.Base(name) == "NOTES.txt":
			notes = text
		case text != "":
			all.WriteString("---\n" + text + "\n")
		}
	}
	return all.String(), notes, nil
}

// objects are what render gives, read as the API's types: a field that they do
// not know is an error, and so is a key that is there twice.
func objects(t *testing.T, values string) []runtime.Object {
	t.Helper()
	manifests, _, err := render(t, values)
	if err != nil {
		t.Fatal(err)
	}
	decoder := serializer.NewCodecFactory(scheme.Scheme, serializer.EnableStrict).UniversalDeserializer()
	var all []runtime.Object
	for document := range strings.SplitSeq(manifests, "---\n") {
		if strings.TrimSpace(document) == "" {
			continue
		}
		object, _, err := decoder.Decode([]byte(document), nil, nil)
		if runtime.IsNotRegisteredError(err) { // of a CRD, which the real API server judges
			object = &unstructured.Unstructured{}
			err = yaml.UnmarshalStrict([]byte(document), object)
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, document)
		}
		all = append(all, object)
	}
	return all
}

// only is the object of its type that an installation has; it is nil where there
// is none.
func only[T runtime.Object](t *testing.T, values string) (found T) {
	t.Helper()
	all := every[T](t, values)
	if len(all) > 1 {
		t.Fatalf("%d objects of type %T", len(all), found)
	}
	for _, found = range all {
	}
	return found
}

// every is all objects of its type that an installation has. Those of "helm test", which
// are there while it runs, are tests.
func every[T runtime.Object](t *testing.T, values string) []T {
	t.Helper()
	return where[T](t, values, func(o metav1.Object) bool { return o.GetAnnotations()[hook] == "" })
}

// tests is all objects of its type that "helm test" makes.
func tests[T runtime.Object](t *testing.T, values string) []T {
	t.Helper()
	return where[T](t, values, func(o metav1.Object) bool { return o.GetAnnotations()[hook] == "test" })
}

// hook is the annotation of what Helm keeps out of an installation.
const hook = "helm.sh/hook"

// where is the objects of its type that are rendered and are so.
func where[T runtime.Object](t *testing.T, values string, so func(metav1.Object) bool) (found []T) {
	t.Helper()
	for _, object := range objects(t, values) {
		m, err := meta.Accessor(object)
		if err != nil {
			t.Fatal(err)
		}
		if o, ok := object.(T); ok && so(m) {
			found = append(found, o)
		}
	}
	return found
}

func yamlOf(t *testing.T, v any) string {
	t.Helper()
	text, err := yaml.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
