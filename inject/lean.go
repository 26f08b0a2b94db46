package inject

import (
	"bytes"
	"errors"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// variablesStand is the name of the one variable that a container of a lean pod
// has. No variable of a pod that the API server takes has an equals sign.
const variablesStand = "=outrigger.dev/variables"

// leanText is the list that stands in the place of a container's variables.
const leanText = `[{"name":"` + variablesStand + `"}]`

// worthCutting is how long a pod is of which something is cut, and the list of
// variables that is, in bytes. Looking at a shorter one costs less than asking
// whether anybody has to.
const (
	worthCutting     = 8 << 10
	worthCuttingList = 512
)

// A leanPod is a pod's text without the variables of its containers: most of a
// large pod, and nothing that an injection looks at, as a rule. The patch for the
// one is then the patch for the other. An injection says [errWhole] where it comes
// upon what was cut, and whatever else it gives is looked through for the stand
// ([leanPod.shows]).
type leanPod struct {
	text []byte
	// cut are the containers without their variables, by name.
	cut []string
}

// errWhole says that a pod's variables are looked at, so that it takes the whole
// pod to inject it.
var errWhole = errors.New("the variables of a container that were cut are needed")

// lean cuts the variables out of a pod. Nothing is cut where that is not worth it,
// and of a pod that is not written as the API server does.
func lean(pod []byte) leanPod {
	if len(pod) < worthCutting || bytes.Contains(pod, []byte(variablesStand)) {
		return leanPod{}
	}
	f := variablesFinder{scanner: scanner{text: pod}}
	if !f.pod() || f.found == nil {
		return leanPod{}
	}
	l := leanPod{}
	at := 0
	for _, found := range f.found {
		l.text = append(append(l.text, pod[at:found.from]...), leanText...)
		at = found.to
		l.cut = append(l.cut, found.container)
	}
	l.text = append(l.text, pod[at:]...)
	return l
}

// A variablesFinder finds, in a pod's text, the variables that are worth cutting.
type variablesFinder struct {
	scanner
	found []variables
}

// variables are where in a pod's text a container's variables are.
type variables struct {
	container string
	from, to  int
}

// pod is false where a field that is looked into is there twice, or the text is not
// plain JSON.
func (f *variablesFinder) pod() bool {
	return f.once(0, map[string]func() bool{"spec": func() bool {
		return f.once(1, map[string]func() bool{"containers": f.containers, "initContainers": f.containers})
	}})
}

func (f *variablesFinder) containers() bool {
	return f.list(2, func() bool {
		v := variables{}
		plain := f.once(3, map[string]func() bool{
			"name": func() (ok bool) {
				from := f.at
				if f.value(4) {
					v.container, ok = plainText(f.text[from:f.at])
				}
				return ok
			},
			"env": func() bool {
				from := f.at
				if !f.variables() {
					// A fault of the pod's, for those who read the whole of it.
					f.at = from
					return f.value(4)
				}
				v.from, v.to = from, f.at
				return true
			},
		})
		if v.container != "" && v.container != ProxyContainer && v.to-v.from >= worthCuttingList {
			f.found = append(f.found, v)
		}
		return plain
	})
}

// once goes over an object in which some fields may stand once.
func (f *variablesFinder) once(depth int, fields map[string]func() bool) bool {
	return f.object(depth, func(name []byte) bool {
		visit, wanted := fields[string(name)]
		if !wanted {
			return true
		}
		fields[string(name)] = func() bool { return false }
		return visit()
	})
}

// variables goes over a list of variables. It is false for what is none.
func (f *variablesFinder) variables() bool {
	return f.list(4, func() bool {
		from := f.at
		named, texts := false, true
		if !f.object(5, func(name []byte) bool {
			isText := f.text[f.at] == '"'
			named = named || isText && string(name) == "name"
			texts = texts && isText && (string(name) == "name" || string(name) == "value")
			return true
		}) {
			return false
		}
		return named && (texts || decodeTyped(f.text[from:f.at], &corev1.EnvVar{}) == nil)
	})
}

// within says whether a record speaks of the variables that were cut.
func (l leanPod) within(r *record) bool {
	for _, list := range containerLists {
		u := sub(sub(r.Undo, "spec"), list)
		for _, name := range l.cut {
			for _, elements := range []undo{u, sub(u, undoAdded)} {
				element := sub(elements, name)
				if element["env"] != nil || sub(element, undoAdded)["env"] != nil {
					return true
				}
			}
		}
	}
	return false
}

// named says whether an overlay names a container whose variables were cut.
func (l leanPod) named(overlay object) bool {
	for _, list := range containerLists {
		for _, item := range items(sub(overlay, "spec"), list) {
			if slices.Contains(l.cut, identity(item, "name")) {
				return true
			}
		}
	}
	return false
}

// shows says whether a patch has the stand in it, or a path below variables: of a
// container that is taken out and put in elsewhere, say.
func (l leanPod) shows(ops []Operation) bool {
	return slices.ContainsFunc(ops, func(op Operation) bool {
		path := strings.SplitN(op.Path, "/", 6)
		below := len(path) > 4 && path[1] == "spec" && slices.Contains(containerLists, path[2]) && path[4] == "env"
		return below || mentions(op.Value, variablesStand)
	})
}

// mentions says whether a text is part of one of a tree.
func mentions(v any, text string) bool {
	switch v := v.(type) {
	case string:
		return strings.Contains(v, text)
	case []any:
		return slices.ContainsFunc(v, func(item any) bool { return mentions(item, text) })
	case object:
		for _, value := range v {
			if mentions(value, text) {
				return true
			}
		}
	}
	return false
}
