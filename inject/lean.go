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

// worthCutting is how long a list of variables is that is cut, in bytes. Looking at
// a shorter one costs less than asking whether anybody has to.
const worthCutting = 512

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
	if bytes.Contains(pod, []byte(variablesStand)) {
		return leanPod{}
	}
	l := leanPod{}
	at, plain := 0, true
	for _, found := range variablesOf(pod, &plain) {
		if found.to-found.from < worthCutting || found.container == ProxyContainer || !areVariables(pod[found.from:found.to]) {
			continue
		}
		l.text = append(append(l.text, pod[at:found.from]...), leanText...)
		at = found.to
		l.cut = append(l.cut, found.container)
	}
	if !plain || l.cut == nil {
		return leanPod{}
	}
	l.text = append(l.text, pod[at:]...)
	return l
}

// variables are where in a pod's text a container's variables are.
type variables struct {
	container string
	from, to  int
}

// variablesOf finds the variables of all containers that have a name. plain becomes
// false where the text has a field twice, or is not plain JSON.
func variablesOf(pod []byte, plain *bool) []variables {
	var found []variables
	visit := func(offset int, fields map[string]func(member)) {
		seen := make([]string, 0, len(fields))
		err := members(pod, offset, func(f member) bool {
			if then, wanted := fields[f.name]; wanted {
				*plain = *plain && !slices.Contains(seen, f.name)
				seen = append(seen, f.name)
				then(f)
			}
			return *plain
		})
		*plain = *plain && err == nil
	}
	container := func(from int) bool {
		v := variables{}
		visit(from, map[string]func(member){
			"name": func(f member) {
				name, ok := plainText(pod[f.value:f.end])
				v.container, *plain = name, *plain && ok
			},
			"env": func(f member) { v.from, v.to = f.value, f.end },
		})
		if v.container != "" && v.to > 0 {
			found = append(found, v)
		}
		return *plain
	}
	list := func(f member) { *plain = *plain && elements(pod, f.value, container) == nil }
	visit(0, map[string]func(member){"spec": func(f member) {
		visit(f.value, map[string]func(member){"containers": list, "initContainers": list})
	}})
	return found
}

// areVariables says whether a text is a list of variables: what is none is a fault
// of the pod's, and found by those who read the whole of it.
func areVariables(text []byte) bool {
	ok := true
	err := elements(text, 0, func(from int) bool {
		end := 0
		named := false
		err := members(text, from, func(f member) bool {
			isText := text[f.value] == '"'
			named = named || f.name == "name" && isText
			if f.name != "name" && f.name != "value" || !isText {
				end = skipValue(text, from)
			}
			return end == 0
		})
		if err == nil && end > 0 {
			err = decodeTyped(text[from:end], &corev1.EnvVar{})
			named = true
		}
		ok = err == nil && named
		return ok
	})
	return ok && err == nil
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
