package manifest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	yamlv3 "go.yaml.in/yaml/v3"
	"outrigger.dev/outrigger/inject"
	kjson "sigs.k8s.io/json"
)

// editNode applies one operation below root.
func editNode(root *yamlv3.Node, op inject.Operation) error {
	parent, path := root, strings.Split(op.Path, "/")
	for _, token := range path[1 : len(path)-1] {
		at, child := descend(parent, unescape(token))
		if at < 0 {
			return fmt.Errorf("%s: no %s", op.Path, token)
		}
		parent = child
	}
	token := unescape(path[len(path)-1])
	at, child := descend(parent, token)
	if op.Operation == "remove" {
		if at < 0 {
			return fmt.Errorf("%s: nothing to remove", op.Path)
		}
		width := 1
		if parent.Kind == yamlv3.MappingNode {
			at, width = at-1, 2
		}
		parent.Content = slices.Delete(parent.Content, at, at+width)
		return nil
	}
	value, err := newNode(op.Value)
	if err != nil {
		return err
	}
	if len(parent.Content) == 0 {
		parent.Style = 0 // "{}" and "[]" become blocks
	}
	switch {
	case parent.Kind == yamlv3.SequenceNode && op.Operation == "add":
		index, err := strconv.Atoi(token)
		if err != nil || index < 0 || index > len(parent.Content) {
			index = len(parent.Content)
		}
		parent.Content = slices.Insert(parent.Content, index, value)
	case at >= 0:
		value.LineComment = child.LineComment
		parent.Content[at] = value
	case parent.Kind == yamlv3.MappingNode:
		key, end := new(yamlv3.Node), len(parent.Content)
		key.SetString(token)
		if token == "metadata" {
			end = 0 // before spec, where everybody has it
		}
		parent.Content = slices.Insert(parent.Content, end, key, value)
	default:
		return fmt.Errorf("%s: its parent is no object and no list", op.Path)
	}
	return nil
}

// descend is the child of a node that a token of a JSON Pointer names, and its
// index in Content; -1 where there is none.
func descend(parent *yamlv3.Node, token string) (int, *yamlv3.Node) {
	switch parent.Kind {
	case yamlv3.MappingNode:
		for i := 1; i < len(parent.Content); i += 2 {
			if parent.Content[i-1].Value == token {
				return i, parent.Content[i]
			}
		}
	case yamlv3.SequenceNode:
		if i, err := strconv.Atoi(token); err == nil && i >= 0 && i < len(parent.Content) {
			return i, parent.Content[i]
		}
	}
	return -1, nil
}

func unescape(token string) string {
	return strings.NewReplacer("~1", "/", "~0", "~").Replace(token)
}

// newNode is a value of a patch as a syntax tree in block style.
func newNode(value any) (*yamlv3.Node, error) {
	raw, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	var plain any
	if err := kjson.UnmarshalCaseSensitivePreserveInts(raw, &plain); err != nil {
		return nil, err
	}
	node := new(yamlv3.Node)
	return node, node.Encode(plain)
}

// layout is how a document is indented: spaces a level, and whether the dashes
// of a list stand as far left as the key above them. Where it does not show,
// it is as kubectl prints.
func layout(root *yamlv3.Node) (step int, compact bool) {
	step, compact = 2, true
	var seen struct{ step, list bool }
	var walk func(n *yamlv3.Node)
	walk = func(n *yamlv3.Node) {
		for i, child := range n.Content {
			if n.Kind == yamlv3.MappingNode && i%2 == 1 && child.Style&yamlv3.FlowStyle == 0 && len(child.Content) > 0 {
				key := n.Content[i-1]
				in := child.Column - key.Column
				switch {
				case child.Kind == yamlv3.SequenceNode && !seen.list:
					compact, seen.list = in == 0, true
				case child.Kind == yamlv3.MappingNode && !seen.step && in > 1 && in < 10:
					step, seen.step = in, true
				}
			}
			walk(child)
		}
	}
	walk(root)
	return step, compact
}
