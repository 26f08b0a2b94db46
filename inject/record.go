package inject

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
)

// A record is annotation outrigger.dev/injection: who injected the pod and why,
// and what is needed to take that back exactly.
type record struct {
	Version   int      `json:"version"`
	Revision  string   `json:"revision"`
	Config    string   `json:"config"`
	Reason    Reason   `json:"reason"`
	Templates []string `json:"templates"`
	Native    bool     `json:"native"`
	Undo      undo     `json:"undo,omitempty"`

	// own are the user's own containers, where the undo does not know them.
	own map[string]object
}

const recordVersion = 1

// readRecord is a pod's record, nil where it has none. One that cannot be read
// counts as none.
func readRecord(pod object) (*record, error) {
	value, ok := annotation(pod, RecordAnnotation)
	if !ok {
		return nil, nil
	}
	var r record
	d := json.NewDecoder(strings.NewReader(value))
	d.UseNumber()
	if err := d.Decode(&r); err != nil {
		return nil, fmt.Errorf("annotation %s: %w", RecordAnnotation, err)
	}
	if r.Version != recordVersion {
		return nil, fmt.Errorf("annotation %s: version %d, wanted %d", RecordAnnotation, r.Version, recordVersion)
	}
	return &r, nil
}

// write puts the record of what led from base to pod on the pod, the last of the
// annotations, and so sees whether there is room for all.
func (r record) write(base, pod object) error {
	delete(sub(sub(pod, "metadata"), "annotations"), RecordAnnotation)
	r.Version = recordVersion
	head, err := encode(r)
	if err != nil {
		return err
	}
	raw := append(bytes.TrimSuffix(head, []byte("}")), `,"undo":`...)
	if raw, err = appendTree(raw, undoOf(base, pod)); err != nil {
		return err
	}
	annotate(pod, RecordAnnotation, string(append(raw, '}')))
	return checkRoom(base, pod)
}

// before is the pod as it was before it was injected, as far as allowed says
// what may be taken out; and the places that the record names and that stay.
func (r *record) before(pod object, allowed map[string]bool) (base object, kept []string) {
	base, _ = clone(pod).(object)
	metadata := sub(base, "metadata")
	if annotations := sub(metadata, "annotations"); annotations != nil {
		delete(annotations, RecordAnnotation)
	}
	takeBack(base, r.Undo, allowed, func(path string) { kept = append(kept, path) })
	r.restoreOwn(base)
	dropEmpty(metadata, "annotations", sub(pod, "metadata"))
	return base, kept
}

// dropEmpty drops a map that held nothing but the record.
func dropEmpty(metadata object, field string, was object) {
	if m := sub(metadata, field); m != nil && len(m) == 0 && len(sub(was, field)) > 0 {
		delete(metadata, field)
	}
}

// retiredPlaces are where the names that a configuration has retired may stand.
func (c *Config) retiredPlaces() map[string]bool {
	out := map[string]bool{}
	for _, name := range c.Retired {
		for _, list := range []string{"containers", "initContainers", "volumes", "imagePullSecrets"} {
			out[pointer("/spec/"+list, name)] = true
		}
	}
	return out
}

// with is allowed, and those of kept that are in places.
func with(allowed, places map[string]bool, kept []string) map[string]bool {
	out := maps.Clone(allowed)
	for _, path := range kept {
		if covered(places, path) {
			out[path] = true
		}
	}
	return out
}

// without is allowed, but for what is neither in always nor in places.
func without(allowed, always, places map[string]bool) map[string]bool {
	out := maps.Clone(allowed)
	maps.DeleteFunc(out, func(path string, _ bool) bool { return !covered(always, path) && !covered(places, path) })
	return out
}
