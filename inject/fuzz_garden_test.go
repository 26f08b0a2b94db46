package inject_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/tools/txtar"
	"outrigger.dev/outrigger/templates"
	"sigs.k8s.io/yaml"
)

// A garden is pods that others take fields from: what is crossed is as typed as
// what it was made of, where bytes that are changed by chance are no pod.
type garden struct {
	pods [][]byte
	// fields are the values that were seen, by the name of the field that an
	// object is in, and by field of that object.
	fields map[string]map[string][]any
}

// newGarden has the pods of the corpus and of the test cases.
func newGarden(f *testing.F) *garden {
	f.Helper()
	g := &garden{pods: templates.Corpus(), fields: map[string]map[string][]any{}}
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		f.Fatalf("testdata: %d cases, %v", len(files), err)
	}
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for _, section := range archive.Files {
			if section.Name == "pod.yaml" {
				raw, err := yaml.YAMLToJSON(section.Data)
				if err != nil {
					f.Fatal(err)
				}
				g.pods = append(g.pods, raw)
			}
		}
	}
	for _, pod := range g.pods {
		g.plant("", readTree(pod))
	}
	return g
}

// plant adds what a value has to the garden.
func (g *garden) plant(in string, v any) {
	switch v := v.(type) {
	case tree:
		if g.fields[in] == nil {
			g.fields[in] = map[string][]any{}
		}
		for _, field := range slices.Sorted(maps.Keys(v)) {
			g.fields[in][field] = append(g.fields[in][field], v[field])
			g.plant(field, v[field])
		}
	case []any:
		for _, item := range v {
			g.plant(in, item)
		}
	}
}

// cross changes some objects of a pod: each gets a field that an object in its
// place has in another pod, or loses one. A list gets the other's elements.
// Bytes that are no object stay as they are, and so do pods without a choice.
func (g *garden) cross(s *source, pod []byte) []byte {
	var p tree
	if len(*s) == 0 || json.Unmarshal(pod, &p) != nil || p == nil {
		return pod
	}
	p = readTree(pod)
	for range s.pick(12) {
		places := objectsIn("", p, nil)
		at := places[s.pick(len(places))]
		fields := slices.Sorted(maps.Keys(g.fields[at.in]))
		if len(fields) == 0 {
			continue
		}
		field := fields[s.pick(len(fields))]
		seen := g.fields[at.in][field]
		value := seen[s.pick(len(seen))]
		switch list, isList := value.([]any); {
		case s.pick(8) == 7 && field != "name":
			delete(at.object, field)
		case isList:
			at.object[field] = joined(at.object[field], list)
		default:
			if at.object["name"] == nil || field != "name" {
				at.object[field] = value
			}
		}
		p = copyTree(p)
	}
	return encoded(p)
}

// A placed object is one in a pod, and the name of the field that it is in.
type placed struct {
	in     string
	object tree
}

func objectsIn(in string, v any, found []placed) []placed {
	switch v := v.(type) {
	case tree:
		found = append(found, placed{in, v})
		for _, field := range slices.Sorted(maps.Keys(v)) {
			found = objectsIn(field, v[field], found)
		}
	case []any:
		for _, item := range v {
			found = objectsIn(in, item, found)
		}
	}
	return found
}

// joined is a list with another's elements at its end, but for those that it has
// by name, port or path: no API server takes two of them.
func joined(was any, more []any) []any {
	out, _ := was.([]any)
	seen := map[string]bool{}
	for _, item := range out {
		seen[label(item)] = true
	}
	for _, item := range more {
		if !seen[label(item)] {
			out = append(out, item)
		}
	}
	return out
}

func label(item any) string {
	if o, ok := item.(tree); ok {
		return fmt.Sprint(o["name"], o["containerPort"], o["mountPath"])
	}
	return fmt.Sprint(item)
}

// undo makes the undo of a pod that somebody might write: it speaks of what the
// pod has, in every way that an undo can.
func (s *source) undo(v any) tree {
	out := tree{}
	switch v := v.(type) {
	case tree:
		for _, field := range slices.Sorted(maps.Keys(v)) {
			s.undoOne(out, field, v[field])
		}
	case []any:
		for _, item := range v {
			if o, ok := item.(tree); ok {
				s.undoOne(out, fmt.Sprint(o["name"]), o)
			}
		}
	}
	return out
}

func (s *source) undoOne(out tree, field string, value any) {
	switch s.pick(7) {
	case 1:
		out[field] = 0
	case 2:
		out[field] = []any{s.word()}
	case 3:
		out[field] = []any{tree{"name": s.word()}}
	case 4:
		out[field] = tree{"+": s.undo(value)}
	case 5:
		moved := s.undo(value)
		moved["@"], moved["<"] = s.word(), []string{"containers", "initContainers", "volumes"}[s.pick(3)]
		out[field] = moved
	case 6:
		out[field] = s.undo(value)
	}
}

func encoded(v any) []byte {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return raw
}
