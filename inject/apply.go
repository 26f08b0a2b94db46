package inject

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
)

// Apply applies a patch to JSON as the API server does, with the same library.
func Apply(raw []byte, ops []Operation) ([]byte, error) {
	text, err := json.Marshal(ops)
	if err != nil {
		return nil, err
	}
	patch, err := jsonpatch.DecodePatch(text)
	if err != nil {
		return nil, err
	}
	return patch.Apply(raw)
}

// prove applies ops to the tree that was sent and compares the outcome with the
// tree it should give. A patch that does not apply refuses the pod even where the
// webhook may fail, so one that was never tried is not sent.
func prove(sent object, ops []Operation, want object) error {
	got, err := applied(sent, ops)
	if err != nil {
		return fmt.Errorf("the patch does not apply: %w", err)
	}
	if !equal(got, want) {
		return errors.New("the patch gives another pod than the wanted one")
	}
	return nil
}

// applied is Apply on a tree, in a fifth of the time: fuzzing holds the one
// against the other. The tree is not changed; the result shares with it, and with
// the operations, all that is on no operation's path.
func applied(tree object, ops []Operation) (object, error) {
	var doc any = tree
	a := &applying{own: map[uintptr]bool{}}
	for _, op := range ops {
		var tokens []string
		for token := range strings.SplitSeq(strings.TrimPrefix(op.Path, "/"), "/") {
			tokens = append(tokens, pointerUnescaper.Replace(token))
		}
		var err error
		if doc, err = a.operate(doc, tokens, op); err != nil {
			return nil, fmt.Errorf("%s %s: %w", op.Operation, op.Path, err)
		}
	}
	out, ok := doc.(object)
	if !ok {
		return nil, errors.New("what comes out is no object")
	}
	return out, nil
}

var errNoPlace = errors.New("there is no such place")

// An applying knows which objects are copies of its own, that it may change.
type applying struct{ own map[uintptr]bool }

// operate is node with op done where tokens lead.
func (a *applying) operate(node any, tokens []string, op Operation) (any, error) {
	switch node := node.(type) {
	case object:
		if !a.own[reflect.ValueOf(node).Pointer()] {
			node = maps.Clone(node)
			a.own[reflect.ValueOf(node).Pointer()] = true
		}
		return node, a.field(node, tokens, op)
	case []any:
		return a.list(slices.Clone(node), tokens, op)
	default:
		return nil, errNoPlace
	}
}

func (a *applying) field(o object, tokens []string, op Operation) error {
	name := tokens[0]
	child, there := o[name]
	switch {
	case len(tokens) == 1 && op.Operation == "add", len(tokens) == 1 && op.Operation == "replace" && there:
		o[name] = op.Value
	case len(tokens) == 1 && op.Operation == "remove" && there:
		delete(o, name)
	case len(tokens) > 1 && there:
		var err error
		o[name], err = a.operate(child, tokens[1:], op)
		return err
	default:
		return errNoPlace
	}
	return nil
}

func (a *applying) list(list []any, tokens []string, op Operation) (any, error) {
	at, err := strconv.Atoi(tokens[0])
	last := len(tokens) == 1
	switch {
	case last && op.Operation == "add" && tokens[0] == "-":
		return append(list, op.Value), nil
	case err != nil || at < 0 || at > len(list) || at == len(list) && !(last && op.Operation == "add"):
		return nil, errNoPlace
	case last && op.Operation == "add":
		return slices.Insert(list, at, op.Value), nil
	case last && op.Operation == "replace":
		list[at] = op.Value
		return list, nil
	case last && op.Operation == "remove":
		return slices.Delete(list, at, at+1), nil
	}
	list[at], err = a.operate(list[at], tokens[1:], op)
	return list, err
}
