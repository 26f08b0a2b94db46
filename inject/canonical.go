package inject

import (
	"bytes"
	"slices"
	"strings"
)

// The ServiceAccount admission plugin calls the token's volume kube-api-access-
// and five characters of generatedAlphabet, other ones for each pod.
const (
	generatedPrefix   = "kube-api-access-"
	generatedAlphabet = "bcdfghjklmnpqrstvwxz2456789"
	generatedLength   = 5
	// generatedStand stands for such a name. No generated one has a zero.
	generatedStand = generatedPrefix + "00000"
)

// A Canonical is a pod's JSON without what the API server made up for this one
// pod: all pods of a workload have the same. [Injector.Inject] sees no more of a
// pod, so the answer for one of them, restored, is the answer for every other.
type Canonical struct {
	// Pod has no managedFields, and one name for the token's volume.
	Pod []byte
	// generated is the name that the volume really has; "" where none was replaced.
	generated string
}

// Canonicalize makes the canonical form of a pod's JSON. The result may share
// memory with pod, which is not changed. What is no pod comes out as it is.
func Canonicalize(pod []byte) Canonical {
	from, to := managedFields(pod)
	if from < to {
		pod = slices.Concat(pod[:from], pod[to:])
	}
	return renamed(pod)
}

// renamed is Canonicalize, but for managedFields, which stay.
func renamed(pod []byte) Canonical {
	name := generatedName(pod)
	if name != "" {
		pod = bytes.ReplaceAll(pod, []byte(name), []byte(generatedStand))
	}
	return Canonical{Pod: pod, generated: name}
}

// Restore writes what the API server made up back into a text that came of the
// canonical form. It returns the text itself where nothing is to be written.
func (c Canonical) Restore(text string) string {
	if c.generated == "" {
		return text
	}
	return strings.ReplaceAll(text, generatedStand, c.generated)
}

// RestoreBytes is Restore. The text is not changed.
func (c Canonical) RestoreBytes(text []byte) []byte {
	if c.generated == "" || !bytes.Contains(text, []byte(generatedStand)) {
		return text
	}
	return bytes.ReplaceAll(text, []byte(generatedStand), []byte(c.generated))
}

// RestoreStrings is Restore for each of some texts. They are not changed.
func (c Canonical) RestoreStrings(texts []string) []string {
	if c.generated == "" {
		return texts
	}
	out := slices.Clone(texts)
	for i := range out {
		out[i] = c.Restore(out[i])
	}
	return out
}

// RestoreDecision is Restore for what a decision says. It is not changed.
func (c Canonical) RestoreDecision(d Decision) Decision {
	if c.generated == "" {
		return d
	}
	d.Sentence = c.Restore(d.Sentence)
	d.Trace = slices.Clone(d.Trace)
	for i := range d.Trace {
		d.Trace[i].Input = c.Restore(d.Trace[i].Input)
	}
	return d
}

// restore is Restore for a whole result.
func (c Canonical) restore(result Result) Result {
	if c.generated == "" {
		return result
	}
	result.Decision = c.RestoreDecision(result.Decision)
	result.Warnings = c.RestoreStrings(result.Warnings)
	result.raw = c.RestoreBytes(result.raw)
	for i := range result.Patch {
		result.Patch[i].Path = c.Restore(result.Patch[i].Path)
		result.Patch[i].Value = c.restoreTree(result.Patch[i].Value)
	}
	return result
}

// restoreTree is Restore for the texts of a tree, which it changes.
func (c Canonical) restoreTree(v any) any {
	switch v := v.(type) {
	case string:
		return c.Restore(v)
	case []any:
		for i := range v {
			v[i] = c.restoreTree(v[i])
		}
	case object:
		for _, key := range sortedKeys(v) {
			value := c.restoreTree(v[key])
			delete(v, key)
			v[c.Restore(key)] = value
		}
	}
	return v
}

// generatedName is the name of the token's volume where the text has one that was
// generated, and no other text that could be taken for one.
func generatedName(pod []byte) string {
	name := ""
	for rest := pod; ; {
		at := bytes.Index(rest, []byte(generatedPrefix))
		if at < 0 {
			return name
		}
		rest = rest[at:]
		const length = len(generatedPrefix) + generatedLength
		if len(rest) < length || !isGenerated(rest[len(generatedPrefix):length]) {
			return ""
		}
		if found := rest[:length]; name == "" {
			name = string(found)
		} else if string(found) != name {
			return ""
		}
		rest = rest[length:]
	}
}

func isGenerated(suffix []byte) bool {
	for _, c := range suffix {
		if strings.IndexByte(generatedAlphabet, c) < 0 {
			return false
		}
	}
	return true
}

// managedFields is where in a pod's JSON the field metadata.managedFields is, with
// the comma that goes with it; nowhere, from 0 to 0, where it is not written as
// the API server does.
func managedFields(pod []byte) (from, to int) {
	_ = members(pod, 0, func(f member) bool {
		if f.name != "metadata" {
			return true
		}
		_ = members(pod, f.value, func(f member) bool {
			if f.name == "managedFields" {
				from, to = f.key, f.end
			}
			return to == 0
		})
		return false
	})
	if to == 0 {
		return 0, 0
	}
	if next := skipSpace(pod, to); next < len(pod) && pod[next] == ',' {
		return from, next + 1
	}
	before := from - 1
	for before > 0 && isSpace(pod[before]) {
		before--
	}
	if before > 0 && pod[before] == ',' {
		from = before
	}
	return from, to
}
