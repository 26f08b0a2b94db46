package conformance_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/runtime"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/yaml"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"outrigger.dev/outrigger/inject"
)

// sameQuantities compares as the API does: 2000m is 2, and an absent list or
// map is an empty one.
var sameQuantities = cmp.Options{
	cmp.Comparer(func(a, b resource.Quantity) bool { return a.Cmp(b) == 0 }),
	cmpopts.EquateEmpty(),
}

// yamlDocuments are the documents of a YAML stream as JSON, empty ones left out.
func yamlDocuments(t testing.TB, stream []byte) [][]byte {
	t.Helper()
	var docs [][]byte
	reader := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(stream)))
	for {
		text, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return docs
		}
		if err != nil {
			t.Fatal(err)
		}
		doc, err := yaml.YAMLToJSON(text)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if string(doc) != "null" {
			docs = append(docs, doc)
		}
	}
}

// deploymentConfig is as much of OpenShift's type as has a form of its own: the
// template. The rest is compared as it is written.
type deploymentConfig struct {
	metav1.TypeMeta
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		Template corev1.PodTemplateSpec
	}
}

// manifest is a document as the API's type, or as it is written where we have
// no type for it.
func manifest(t testing.TB, doc []byte) any {
	t.Helper()
	if obj, _, err := scheme.Codecs.UniversalDeserializer().Decode(doc, nil, nil); err == nil {
		if list, ok := obj.(*corev1.List); ok {
			var items []any
			for _, item := range list.Items {
				items = append(items, manifest(t, item.Raw))
			}
			return items
		}
		return obj
	} else if !runtime.IsNotRegisteredError(err) {
		t.Fatalf("%v\n%s", err, doc)
	}
	var written map[string]any
	decode(t, doc, &written)
	if written["kind"] != "DeploymentConfig" {
		return written
	}
	var dc deploymentConfig
	decode(t, doc, &dc)
	delete(child(written, "spec"), "template")
	delete(written, "metadata")
	return []any{&dc, pruned(written)}
}

// pruned is a tree without zero values: "paused: false" says what its absence
// says.
func pruned(tree map[string]any) map[string]any {
	for key, value := range tree {
		child, isMap := value.(map[string]any)
		if isMap && len(pruned(child)) == 0 || value == false || value == 0.0 || value == "" || value == nil {
			delete(tree, key)
		}
	}
	return tree
}

// metas are the metadata of everything in a manifest that an annotation could
// be on.
func metas(obj any) []*metav1.ObjectMeta {
	switch obj := obj.(type) {
	case []any:
		var all []*metav1.ObjectMeta
		for _, item := range obj {
			all = append(all, metas(item)...)
		}
		return all
	case *deploymentConfig:
		return []*metav1.ObjectMeta{&obj.ObjectMeta, &obj.Spec.Template.ObjectMeta}
	case *corev1.Pod:
		return []*metav1.ObjectMeta{&obj.ObjectMeta}
	}
	return templateMetas(obj)
}

// compareManifests compares one document of the offline run.
func compareManifests(t testing.TB, want, got []byte) {
	t.Helper()
	w, g := manifest(t, want), manifest(t, got)
	wantMetas, gotMetas := metas(w), metas(g)
	if len(wantMetas) != len(gotMetas) {
		t.Errorf("document: want %T, got %T", w, g)
		return
	}
	for i := range wantMetas {
		compareStatus(t, wantMetas[i].Annotations[inject.StatusAnnotation], gotMetas[i].Annotations[inject.StatusAnnotation])
	}
	compare(t, w, g)
}

// compareStatus compares the status annotation as JSON: the wanted keys are
// there with the wanted values, and there may be more.
func compareStatus(t testing.TB, want, got string) {
	t.Helper()
	if want == "" && got == "" {
		return
	}
	var w, g map[string]any
	if err := json.Unmarshal([]byte(want), &w); err != nil {
		t.Errorf("status annotation: want none, got %s", got)
		return
	}
	if err := json.Unmarshal([]byte(got), &g); err != nil {
		t.Errorf("status annotation %q: %v", got, err)
		return
	}
	for key := range g {
		if _, wanted := w[key]; !wanted {
			delete(g, key)
		}
	}
	if diff := cmp.Diff(w, g); diff != "" {
		t.Errorf("status annotation (-want +got):\n%s", diff)
	}
}

// compare compares two manifests but for the annotations that may differ.
func compare(t testing.TB, want, got any) {
	t.Helper()
	for _, meta := range append(metas(want), metas(got)...) {
		delete(meta.Annotations, inject.StatusAnnotation)
		for key := range meta.Annotations {
			if strings.HasPrefix(key, inject.Prefix) {
				delete(meta.Annotations, key)
			}
		}
	}
	if diff := cmp.Diff(want, got, sameQuantities); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func decode(t testing.TB, doc []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(doc, into); err != nil {
		t.Fatalf("%v\n%s", err, doc)
	}
}
