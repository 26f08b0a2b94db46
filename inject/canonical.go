package inject

import (
	"bytes"
	"hash"
	"io"
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
	// before and after are the pod's text, but for managedFields between them.
	before, after []byte
	// generated is the name that the token's volume really has; "" where none is replaced.
	generated string
}

// renamed is [Canonicalize], but for managedFields, which stay.
func renamed(pod []byte) Canonical {
	c := Canonical{after: pod}
	if name, ok := generatedName("", pod); ok {
		c.generated = name
	}
	return c
}

// Canonicalize finds what the API server made up in a pod's JSON. The result shares
// memory with pod. What is no pod is canonical as it is.
func Canonicalize(pod []byte) Canonical {
	from, to := managedFields(pod)
	c := Canonical{before: pod[:from], after: pod[to:]}
	name, ok := generatedName("", c.before)
	if ok {
		name, ok = generatedName(name, c.after)
	}
	if ok {
		c.generated = name
	}
	return c
}

// Pod is the canonical form. It may share memory with the pod that it was made of.
func (c Canonical) Pod() []byte {
	if len(c.before) == 0 && c.generated == "" {
		return c.after
	}
	pod := slices.Concat(c.before, c.after)
	for rest := pod; c.generated != ""; {
		at := bytes.Index(rest, []byte(c.generated))
		if at < 0 {
			break
		}
		rest = rest[at+copy(rest[at:], generatedStand):] // both are of one length
	}
	return pod
}

// Hash writes the canonical form to a hash, which never fails, without making it.
func (c Canonical) Hash(h hash.Hash) {
	for _, part := range [][]byte{c.before, c.after} {
		for c.generated != "" {
			at := bytes.Index(part, []byte(c.generated))
			if at < 0 {
				break
			}
			h.Write(part[:at])
			io.WriteString(h, generatedStand)
			part = part[at+len(c.generated):]
		}
		h.Write(part)
	}
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

// generatedName is the name of the token's volume where a text has one that was
// generated, and known, unless it is "", is the same; "" where there is none. It is
// false where another text could be taken for one.
func generatedName(known string, text []byte) (name string, ok bool) {
	name = known
	for rest := text; ; {
		at := bytes.Index(rest, []byte(generatedPrefix))
		if at < 0 {
			return name, true
		}
		rest = rest[at:]
		const length = len(generatedPrefix) + generatedLength
		if len(rest) < length || !isGenerated(rest[len(generatedPrefix):length]) {
			return "", false
		}
		if found := rest[:length]; name == "" {
			name = string(found)
		} else if string(found) != name {
			return "", false
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
	s := scanner{text: pod}
	s.object(0, func(name []byte) bool {
		if string(name) != "metadata" {
			return true
		}
		s.object(1, func(name []byte) bool {
			if string(name) != "managedFields" {
				return true
			}
			if from = s.key; s.value(2) {
				to = s.at
			}
			return false
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
