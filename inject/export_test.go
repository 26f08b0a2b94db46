package inject

import corev1 "k8s.io/api/core/v1"

// What tests outside the package have to see of its inside.
var (
	ListKeys  = listKeys
	Applied   = applied
	Encode    = encode
	ReadBlock = readBlock
)

// Parse is what the quick parser makes of a text.
func Parse(text string) (any, bool) {
	p := parser{text: text}
	return p.whole()
}

// Undone takes back what led from before to after, after the undo has been
// through JSON as it goes on a pod.
func Undone(before, after map[string]any) (map[string]any, error) {
	raw, err := encode(undoOf(before, after))
	if err != nil {
		return nil, err
	}
	u, err := decodeObject(raw)
	if err != nil {
		return nil, err
	}
	out, _ := clone(after).(object)
	takeBack(out, u, nil, nil)
	return out, nil
}

// InjectWhole injects a pod with all its variables at hand.
func InjectWhole(in *Injector, req Request) (Result, error) {
	canonical := renamed(req.Pod)
	req.Pod = canonical.Pod()
	result, err := in.injectText(req)
	return canonical.restore(result), err
}

// Lean is a pod without the variables that it can be injected without, and the
// containers that it lacks them of.
func Lean(pod []byte) (text string, cut []string) {
	l := lean(pod)
	return string(l.text), l.cut
}

// Valid says whether a text is one value to the scanner, and nothing else.
func Valid(text []byte) bool {
	s := scanner{text: text}
	return s.value(0) && s.ended()
}

// MaxParsed is how deep the scanner goes.
const MaxParsed = maxParsed

// Glanced is what of a pod is read at a glance.
func Glanced(text []byte) (*corev1.Pod, bool) {
	g := &Glance{}
	read := ReadFields(text, g.Fields())
	return &g.pod, read
}
