package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/aymanbagabas/go-udiff"
	yamlv3 "go.yaml.in/yaml/v3"
	"outrigger.dev/outrigger/inject"
	"sigs.k8s.io/yaml"
)

// Rewrite is the document's text before and after a JSON Patch. What the patch
// does not touch stays as it was written: comments, blank lines, the order of
// keys, quotes. Where that cannot be had (JSON, anchors, keys that occur twice)
// both texts are made from what the document says.
func (d Document) Rewrite(ops []inject.Operation) (before, after string, err error) {
	want, err := inject.Apply(d.JSON, ops)
	if err != nil {
		return "", "", fmt.Errorf("%s: %w", d.Where(), err)
	}
	if !d.IsJSON {
		before = string(bytes.ReplaceAll(withoutBOM(d.Text), []byte("\r\n"), []byte("\n")))
		if after, err = splice(before, ops); err == nil && says(after, want) {
			return before, after, nil
		}
	}
	old, err := yaml.JSONToYAML(d.JSON)
	if err != nil {
		return "", "", fmt.Errorf("%s: %w", d.Where(), err)
	}
	injected, err := yaml.JSONToYAML(want)
	if err != nil {
		return "", "", fmt.Errorf("%s: %w", d.Where(), err)
	}
	return string(old), string(injected), nil
}

// splice applies a patch to YAML text. The syntax tree is written twice, with
// the patch and without; what differs between the two is merged with what
// differs between the second and the text as it was written; a line that both
// change is as the patch has it. The caller has to check what came of it: it is
// a merge of lines, and a tree may have been edited that an alias stands for.
func splice(text string, ops []inject.Operation) (string, error) {
	plain, err := edit(text, nil)
	if err != nil {
		return "", err
	}
	injected, err := edit(text, ops)
	if err != nil {
		return "", err
	}
	ours, layout := LineEdits(plain, injected), LineEdits(plain, text)
	layout = slices.DeleteFunc(layout, func(theirs udiff.Edit) bool {
		return slices.ContainsFunc(ours, func(our udiff.Edit) bool {
			return our.Start < theirs.End && theirs.Start < our.End
		})
	})
	edits, ok := udiff.Merge(ours, layout)
	if !ok {
		return injected, nil
	}
	return udiff.Apply(plain, edits)
}

// edit applies a patch to the syntax tree of YAML text and writes it in the
// text's own layout.
func edit(text string, ops []inject.Operation) (string, error) {
	var root yamlv3.Node
	if err := yamlv3.Unmarshal([]byte(text), &root); err != nil {
		return "", err
	}
	if len(root.Content) == 0 {
		return "", errors.New("no content")
	}
	step, compact := layout(root.Content[0])
	for _, op := range ops {
		if err := editNode(root.Content[0], op); err != nil {
			return "", err
		}
	}
	var out bytes.Buffer
	encoder := yamlv3.NewEncoder(&out)
	encoder.SetIndent(step)
	if compact {
		encoder.CompactSeqIndent()
	}
	err := encoder.Encode(&root)
	return out.String(), err
}

// says tells whether YAML text says what the JSON says.
func says(text string, want []byte) bool {
	got, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		return false
	}
	var a, b any
	return json.Unmarshal(got, &a) == nil && json.Unmarshal(want, &b) == nil && reflect.DeepEqual(a, b)
}
