package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"outrigger.dev/outrigger/inject"
	"outrigger.dev/outrigger/internal/manifest"
	"outrigger.dev/outrigger/templates"
	"sigs.k8s.io/yaml"
)

const templateDiffHelp = `Compare what two configurations make of pods.

  %s template diff config.yaml new-config.yaml -f app.yaml

Each is a file with policy, templates and selectors, or a folder with the files
config, values and mesh; what is not there is the default profile's. Without -f
the pods are those of a built-in corpus.

Exit status: 0 where every pod becomes the same, 1 where one does not, 2 for an
error.`

// newTemplateDiff is the verb that compares configurations by what becomes of pods.
func newTemplateDiff(program string) *cobra.Command {
	var files []string
	cmd := &cobra.Command{
		Use:   "diff OLD NEW",
		Short: "Compare what two configurations make of pods",
		Long:  fmt.Sprintf(templateDiffHelp, program),
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 2 {
				return usageError{hinted{fmt.Errorf("%s, want two", count(len(args), "configuration")), cmd.CommandPath() + " OLD NEW"}}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			text, err := diffConfigurations(args[0], args[1], files, cmd.InOrStdin())
			if err == nil {
				err = printDiff(cmd.OutOrStdout(), text)
			}
			return ofDiff(text != "", err)
		},
	}
	cmd.Flags().StringArrayVarP(&files, "filename", "f", nil, "manifests with the pods: a `file`, a folder, or - for standard input; may be repeated")
	return cmd
}

// diffConfigurations is a unified diff for each pod that becomes another.
func diffConfigurations(old, new string, files []string, stdin io.Reader) (string, error) {
	samples, err := readSamples(files, stdin)
	if err != nil {
		return "", err
	}
	if len(files) == 0 {
		if samples, err = corpusSamples(); err != nil {
			return "", err
		}
	}
	var injectors [2]*inject.Injector
	for i, name := range []string{old, new} {
		c, err := configurationAt(name)
		if err != nil {
			return "", err
		}
		if injectors[i], err = c.injector(); err != nil {
			return "", inEach(name, err)
		}
	}
	var text string
	for _, s := range samples {
		diff, err := s.diff(old, new, injectors)
		if err != nil {
			return "", fmt.Errorf("%s: %w", s.name, err)
		}
		text += diff
	}
	return text, nil
}

// corpusSamples are the pods that every configuration is proved on.
func corpusSamples() ([]sample, error) {
	var all []sample
	for i, pod := range templates.Corpus() {
		workloads, err := inject.ReadWorkloads(pod)
		if err != nil {
			return nil, err
		}
		for _, w := range workloads {
			all = append(all, sampleOf(fmt.Sprintf("pod %d of the corpus", i), w))
		}
	}
	return all, nil
}

// diff compares what two injectors make of the pod.
func (s sample) diff(old, new string, injectors [2]*inject.Injector) (string, error) {
	var texts [2]string
	var errs [2]error
	for i, injector := range injectors {
		texts[i], errs[i] = s.injected(injector)
	}
	if err := errors.Join(errs[:]...); err != nil {
		return "", err
	}
	return manifest.Diff(s.name+", "+old, s.name+", "+new, texts[0], texts[1])
}

// injected is the pod as it becomes, or why it stays as it is. What changes with every
// change of a configuration, its hash, is left out.
func (s sample) injected(injector *inject.Injector) (string, error) {
	result, err := injector.Inject(s.request)
	if err != nil {
		return "", err
	}
	if d := result.Decision; d.Verdict != inject.Inject {
		return fmt.Sprintf("# %s %s: %s\n", d.Verdict, d.Reason, d.Sentence), nil
	}
	raw, err := inject.Apply(s.request.Pod, result.Patch)
	if err != nil {
		return "", err
	}
	var pod map[string]any
	if err := yaml.Unmarshal(raw, &pod); err != nil {
		return "", err
	}
	if metadata, ok := pod["metadata"].(map[string]any); ok {
		if annotations, ok := metadata["annotations"].(map[string]any); ok {
			delete(annotations, inject.RecordAnnotation)
		}
	}
	text, err := yaml.Marshal(pod)
	return string(text), err
}
