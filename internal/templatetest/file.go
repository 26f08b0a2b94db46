package templatetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"outrigger.dev/outrigger/inject"
	"outrigger.dev/outrigger/internal/manifest"
	"sigs.k8s.io/yaml"
)

// What a file of tests says that it is.
const (
	APIVersion = "outrigger.dev/v1alpha1"
	Kind       = "TemplateTest"
)

// A File is a file of tests.
type File struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Tests      []Test `json:"tests"`
}

// A Test is pods, where they are created, and what is wanted of them.
type Test struct {
	Name string `json:"name"`
	// File has workloads; its path is relative to the test's own file. Each of them
	// is tested.
	File string `json:"file"`
	// Pod is one in place of a file.
	Pod json.RawMessage `json:"pod"`
	// Namespace is where the pods are created; nil is one that is enabled.
	Namespace *struct {
		Labels      map[string]string `json:"labels"`
		Annotations map[string]string `json:"annotations"`
	} `json:"namespace"`
	// Native says whether nodes run native sidecars; nil is true.
	Native *bool `json:"native"`
	Want   Want  `json:"want"`

	workloads []inject.Workload
}

// Want is what is wanted of a pod; what is empty is not looked at.
type Want struct {
	// Decision is inject, skip or deny; "" is inject.
	Decision inject.Verdict `json:"decision"`
	Reason   inject.Reason  `json:"reason"`
	// Templates are all that are laid over the pod, in their order.
	Templates []string `json:"templates"`
	// Warnings are parts of warnings that there must be.
	Warnings []string `json:"warnings"`
	// Pod is a part of what the pod is in the end.
	Pod map[string]any `json:"pod"`
}

// Read reads a file of tests and the manifests that it names. An error begins with
// the file and says what is wrong in it.
func Read(name string) (File, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return File{}, err
	}
	var file File
	if err := yaml.UnmarshalStrict(text, &file); err != nil {
		return File{}, fmt.Errorf("%s: %w", name, err)
	}
	if file.APIVersion != APIVersion || file.Kind != Kind {
		return File{}, fmt.Errorf("%s: apiVersion %q and kind %q, want %s and %s", name, file.APIVersion, file.Kind, APIVersion, Kind)
	}
	if len(file.Tests) == 0 {
		return File{}, fmt.Errorf("%s: no tests, want one at least", name)
	}
	for i := range file.Tests {
		if err := file.Tests[i].load(filepath.Dir(name)); err != nil {
			return File{}, fmt.Errorf("%s: test %d: %w", name, i+1, err)
		}
	}
	return file, nil
}

// load reads the test's pods, and refuses what would test nothing.
func (t *Test) load(dir string) error {
	verdicts := []inject.Verdict{"", inject.Inject, inject.Skip, inject.Deny}
	switch {
	case t.Name == "":
		return errors.New("no name")
	case (t.File == "") == (t.Pod == nil):
		return fmt.Errorf("%q: want either file or pod", t.Name)
	case !slices.Contains(verdicts, t.Want.Decision):
		return fmt.Errorf("%q: decision %q, want inject, skip or deny", t.Name, t.Want.Decision)
	case t.Pod != nil:
		t.workloads = []inject.Workload{{Pod: t.Pod}}
		return nil
	}
	name := filepath.Join(dir, t.File)
	text, err := os.ReadFile(name)
	if err != nil {
		return fmt.Errorf("%q: %w", t.Name, err)
	}
	for _, d := range manifest.Read(name, text) {
		if d.Err != nil {
			return fmt.Errorf("%q: %w", t.Name, d.Err)
		}
		if d.JSON == nil {
			continue
		}
		found, err := inject.ReadWorkloads(d.JSON)
		if err != nil {
			return fmt.Errorf("%q: %s: %w", t.Name, d.Where(), err)
		}
		t.workloads = append(t.workloads, found...)
	}
	if len(t.workloads) == 0 {
		return fmt.Errorf("%q: %s: no workload in it", t.Name, name)
	}
	return nil
}
