package inject

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
