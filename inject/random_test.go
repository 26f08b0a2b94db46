package inject_test

import (
	"encoding/json"
	"strconv"
)

// A source turns fuzz input into choices, so that the fuzzer steers what is
// made of it. When the bytes are used up, every choice is the first.
type source []byte

func (s *source) pick(n int) int {
	if len(*s) == 0 {
		return 0
	}
	b := (*s)[0]
	*s = (*s)[1:]
	return int(b) % n
}

func (s *source) maybe() bool { return s.pick(2) == 1 }

func (s *source) word() string {
	return []string{"a", "b", "c", "d", "istio-proxy", "x/y~z"}[s.pick(6)]
}

type tree = map[string]any

// pod makes a pod, or, with nulls, an overlay for one.
func (s *source) pod(nulls bool) tree {
	pod := tree{}
	if s.maybe() {
		pod["metadata"] = s.object(nulls, "labels", "annotations", "futureField")
	}
	spec := tree{}
	for _, list := range []string{"containers", "initContainers"} {
		if s.maybe() {
			spec[list] = s.list("name", func() tree { return s.container(nulls) })
		}
	}
	if s.maybe() {
		spec["volumes"] = s.list("name", func() tree { return s.object(nulls, "emptyDir", "secret") })
	}
	if s.maybe() {
		spec["nodeSelector"] = s.leaves(nulls)
	}
	pod["spec"] = spec
	return pod
}

func (s *source) container(nulls bool) tree {
	c := s.object(nulls, "securityContext", "livenessProbe")
	if s.maybe() {
		c["env"] = s.list("name", func() tree { return s.leaves(nulls) })
	}
	if s.maybe() {
		c["ports"] = s.list("containerPort", func() tree { return s.leaves(nulls) })
	}
	if s.maybe() {
		c["args"] = s.words()
	}
	return c
}

// object has some of the fields, each with leaves in it, and a field that no
// version of Kubernetes has.
func (s *source) object(nulls bool, fields ...string) tree {
	out := tree{}
	for _, field := range fields {
		if s.maybe() {
			out[field] = s.leaves(nulls)
		}
	}
	if s.maybe() {
		out["unheardOf"] = s.words()
	}
	return out
}

func (s *source) leaves(nulls bool) tree {
	out := tree{}
	for range s.pick(3) {
		switch s.pick(5) {
		case 0:
			out[s.word()] = s.word()
		case 1:
			out[s.word()] = json.Number(strconv.Itoa(s.pick(4)))
		case 2:
			out[s.word()] = s.maybe()
		case 3:
			out[s.word()] = s.words()
		case 4:
			if nulls {
				out[s.word()] = nil
			}
		}
	}
	return out
}

func (s *source) words() []any {
	out := []any{}
	for range s.pick(3) {
		out = append(out, s.word())
	}
	return out
}

// list makes elements with keys that differ.
func (s *source) list(key string, element func() tree) []any {
	out := []any{}
	seen := map[any]bool{}
	for range s.pick(4) {
		e := element()
		var id any = s.word()
		if key == "containerPort" {
			id = json.Number(strconv.Itoa(80 + s.pick(4)))
		}
		if seen[id] {
			continue
		}
		seen[id] = true
		e[key] = id
		out = append(out, e)
	}
	return out
}

// typedPod is a pod, or with nulls an overlay, that has nothing but fields of the
// API's types with values of their kinds.
func (s *source) typedPod(nulls bool) tree {
	pod := tree{"metadata": tree{"labels": s.texts(nulls), "annotations": s.texts(nulls)}}
	spec := tree{"nodeSelector": s.texts(nulls)}
	for _, list := range []string{"containers", "initContainers"} {
		if s.maybe() {
			spec[list] = s.list("name", func() tree { return s.typedContainer(nulls) })
		}
	}
	if s.maybe() {
		spec["volumes"] = s.list("name", func() tree { return tree{"emptyDir": s.field("medium", nulls)} })
	}
	pod["spec"] = spec
	return pod
}

func (s *source) typedContainer(nulls bool) tree {
	c := s.field("image", nulls)
	if s.maybe() {
		c["args"] = s.words()
	}
	if s.maybe() {
		c["env"] = s.list("name", func() tree { return s.field("value", nulls) })
	}
	if s.maybe() {
		c["ports"] = s.list("containerPort", func() tree { return s.field("hostIP", nulls) })
	}
	if s.maybe() {
		c["securityContext"] = s.field("procMount", nulls)
	}
	return c
}

// field is an object that has the field, or has it not, or has it null.
func (s *source) field(name string, nulls bool) tree {
	switch s.pick(3) {
	case 0:
		return tree{name: s.word()}
	case 1:
		if nulls {
			return tree{name: nil}
		}
	}
	return tree{}
}

// texts are some entries of a map of texts.
func (s *source) texts(nulls bool) tree {
	out := tree{}
	for range s.pick(3) {
		out[s.word()] = s.word()
		if nulls && s.maybe() {
			out[s.word()] = nil
		}
	}
	return out
}

// seeds are starting points for a fuzz test: long enough to fill two pods.
func seeds() [][]byte {
	var out [][]byte
	state := uint32(1)
	for range 200 {
		seed := make([]byte, 400)
		for i := range seed {
			state = state*1664525 + 1013904223
			seed[i] = byte(state >> 24)
		}
		out = append(out, seed)
	}
	return out
}

func copyTree(t tree) tree {
	raw, err := json.Marshal(t)
	if err != nil {
		panic(err)
	}
	return readTree(raw)
}
