package inject

import "fmt"

// Uninject makes the patch that gives back the pod that went in, by the pod's
// record, or by what istiod left on it. It is for the pod's owner, so the record
// is believed in everything, where [Injector.Inject] believes it only in what
// the templates at hand put into pods. The patch is empty for a pod that was not
// injected.
func (in *Injector) Uninject(pod []byte) ([]Operation, error) {
	sent, err := decodeObject(pod)
	if err != nil {
		return nil, fmt.Errorf("pod: %w", err)
	}
	previous, err := readRecord(sent)
	if err != nil {
		return nil, err
	}
	if previous == nil {
		previous = in.recordOfIstiod(sent)
	}
	if previous == nil {
		return []Operation{}, nil
	}
	base, _ := previous.before(sent, nil)
	ops := Patch(sent, base, movers...)
	return ops, prove(sent, ops, base)
}
