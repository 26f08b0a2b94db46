package templates

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"text/template"
	"text/template/parse"
)

// fixedFields are the fields of [Data] that are the same in every execution of a
// set, where [Options.Fixed] gives them, and commonFields those that are in a
// common one, where [Options.Common] does.
var (
	fixedFields  = []string{"Values", "MeshConfig", "Revision", "InboundTrafficPolicyMode", "CompliancePolicy"}
	commonFields = append(slices.Clone(fixedFields),
		"ProxyConfig", "NativeSidecars", "ProxyImage", "ProxyInitImage", "ProxyUID", "ProxyGID")
)

// maxFolded is how long a text may be that folding puts in a template's place: it
// stays in memory as long as the set.
const maxFolded = 16 << 10

// A folding works out when a template is parsed what every execution would work
// out again: half of a sidecar's template asks only what the values say.
//
//	{{ E }}                         becomes  its text
//	{{ if E }}A{{ else }}B{{ end }} becomes  A or B
//	{{ f E X }}                     becomes  {{ f "…" X }}, where E is a string or a bool
//	{{ $v := E }}                   goes where nothing is left that reads it
//	with and range                  become   their text, where all that is in them is fixed
//
// E is fixed: it depends on fixed fields, literals and variables that are fixed,
// declared once and never assigned, and calls no function that changes something.
// What cannot be worked out, with an error say, stays for the execution.
//
// For a common pod it is also taken for granted that the annotations which the
// template asks for by their names are not there:
//
//	annotation .ObjectMeta "K" E    index .ObjectMeta.Annotations "K"    isset .ObjectMeta.Annotations "K"
//
// Those names are noted, for whoever chooses between the two foldings.
type folding struct {
	tree   *parse.Tree
	fixed  *Data
	fields []string
	// common says that annotations are taken not to be there; absent are which, and
	// annotations the variables that hold them all.
	common      bool
	absent      map[string]bool
	annotations map[string]bool
	// scratch executes single nodes; its functions pay one meter for all of them.
	scratch *template.Template
	meter   meter
	// once are the variables that are declared once and never assigned; known
	// those of them whose value is fixed, given by declarations.
	once, known  map[string]bool
	declarations []parse.Node
	captured     any
}

// fold changes the tree of a rewritten template. It does nothing for one that
// changes maps: nothing of that is fixed.
func fold(t *template.Template, functions map[string]function, fixed *Data) {
	f := &folding{fixed: fixed, fields: fixedFields}
	f.fold(t, functions)
}

// foldCommon is fold for a common pod. It returns the names of the annotations
// that such a pod does not have.
func foldCommon(t *template.Template, functions map[string]function, common *Data) (absent []string) {
	f := &folding{fixed: common, fields: commonFields, common: true, absent: map[string]bool{}, annotations: map[string]bool{}}
	f.fold(t, functions)
	return slices.Sorted(maps.Keys(f.absent))
}

// fold goes over the tree twice: an assignment in a branch that went leaves its
// variable fixed.
func (f *folding) fold(t *template.Template, functions map[string]function) {
	f.tree, f.meter.left = t.Tree, maxWork
	bound := template.FuncMap{captureFunction: func(v any) string { f.captured = v; return "" }}
	for name, fn := range functions {
		bound[name] = fn(&f.meter)
	}
	f.scratch = template.New(t.Name()).Funcs(bound)
	for range 2 {
		f.known, f.declarations, f.once = map[string]bool{}, nil, onceDeclared(t.Root)
		f.list(t.Root, true)
	}
	f.drop(t.Root)
}

// captureFunction is folding's own: it keeps the value that it is given.
const captureFunction = "_capture"

// list folds the nodes of a list. atRoot says that the dot is the data.
func (f *folding) list(list *parse.ListNode, atRoot bool) {
	if list == nil {
		return
	}
	var out []parse.Node
	for _, node := range list.Nodes {
		for _, folded := range f.node(node, atRoot) {
			last := len(out) - 1
			text, isText := folded.(*parse.TextNode)
			if isText && last >= 0 {
				if before, ok := out[last].(*parse.TextNode); ok {
					merged := *before
					merged.Text = slices.Concat(before.Text, text.Text)
					out[last] = &merged
					continue
				}
			}
			out = append(out, folded)
		}
	}
	list.Nodes = out
}

// node is what a node becomes.
func (f *folding) node(node parse.Node, atRoot bool) []parse.Node {
	here := scope{atRoot: atRoot}
	if text, ok := f.text(node, here); ok {
		return text
	}
	switch node := node.(type) {
	case *parse.ActionNode:
		f.declare(node, here)
		f.args(node.Pipe, here)
	case *parse.IfNode:
		if branch, ok := f.branch(&node.BranchNode, here); ok {
			f.list(branch, atRoot)
			return unscoped(node, branch)
		}
		f.args(node.Pipe, here)
		f.list(node.List, atRoot)
		f.list(node.ElseList, atRoot)
	case *parse.WithNode:
		if branch, ok := f.branch(&node.BranchNode, here); ok && branch != node.List {
			f.list(branch, atRoot)
			return branch.Nodes
		}
		f.args(node.Pipe, here)
		f.list(node.List, false)
		f.list(node.ElseList, atRoot)
	case *parse.RangeNode:
		f.args(node.Pipe, here)
		f.list(node.List, false)
		f.list(node.ElseList, atRoot)
	case *parse.TemplateNode:
		f.args(node.Pipe, here)
	}
	return []parse.Node{node}
}

// text is what a node that is fixed whole writes.
func (f *folding) text(node parse.Node, here scope) ([]parse.Node, bool) {
	if _, already := node.(*parse.TextNode); already || !f.fixedNode(node, here) {
		return nil, false
	}
	text, err := f.run(node)
	if err != nil || len(text) > maxFolded {
		return nil, false
	}
	return []parse.Node{&parse.TextNode{NodeType: parse.NodeText, Pos: node.Position(), Text: text}}, true
}

// declare notes a variable whose value is fixed, and one that holds the annotations.
func (f *folding) declare(node *parse.ActionNode, here scope) {
	decl := node.Pipe.Decl
	if len(decl) != 1 || node.Pipe.IsAssign || !f.once[decl[0].Ident[0]] {
		return
	}
	name := decl[0].Ident[0]
	fixed := f.fixedPipe(node.Pipe, here)
	if !fixed && !(len(node.Pipe.Cmds) == 1 && len(node.Pipe.Cmds[0].Args) == 1 && f.holdsAnnotations(node.Pipe.Cmds[0].Args[0], here)) {
		return
	}
	if _, err := f.run(node); err == nil {
		if fixed {
			f.known[name] = true
		} else {
			f.annotations[name] = true
		}
		f.declarations = append(f.declarations, node.Copy())
	}
}

// branch is the list that an if or a with of a fixed value comes to; an empty one
// where it has none.
func (f *folding) branch(parts *parse.BranchNode, here scope) (*parse.ListNode, bool) {
	if len(parts.Pipe.Decl) > 0 || !f.fixedPipe(parts.Pipe, here) {
		return nil, false
	}
	yes := &parse.TextNode{NodeType: parse.NodeText, Pos: parts.Pos, Text: []byte("yes")}
	question := &parse.IfNode{BranchNode: *parts}
	question.NodeType = parse.NodeIf
	question.List = &parse.ListNode{NodeType: parse.NodeList, Pos: parts.Pos, Nodes: []parse.Node{yes}}
	question.ElseList = nil
	answer, err := f.run(question)
	switch {
	case err != nil:
		return nil, false
	case len(answer) > 0:
		return parts.List, true
	case parts.ElseList != nil:
		return parts.ElseList, true
	}
	return &parse.ListNode{NodeType: parse.NodeList, Pos: parts.Pos}, true
}

// unscoped are the nodes of a branch without its if, which is kept, and always
// true, where the branch has variables of its own.
func unscoped(node *parse.IfNode, branch *parse.ListNode) []parse.Node {
	declares := func(n parse.Node) bool {
		action, ok := n.(*parse.ActionNode)
		return ok && len(action.Pipe.Decl) > 0 && !action.Pipe.IsAssign
	}
	if !slices.ContainsFunc(branch.Nodes, declares) {
		return branch.Nodes
	}
	always := &parse.BoolNode{NodeType: parse.NodeBool, Pos: node.Pos, True: true}
	command := &parse.CommandNode{NodeType: parse.NodeCommand, Pos: node.Pos, Args: []parse.Node{always}}
	node.Pipe = &parse.PipeNode{NodeType: parse.NodePipe, Pos: node.Pos, Cmds: []*parse.CommandNode{command}}
	node.List, node.ElseList = branch, nil
	return []parse.Node{node}
}

// run executes one node, behind the declarations that it may read.
func (f *folding) run(node parse.Node) (text []byte, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("panic: %v", cause)
		}
	}()
	tree := *f.tree
	tree.Root = &parse.ListNode{NodeType: parse.NodeList, Pos: node.Position(), Nodes: append(slices.Clip(f.declarations), node)}
	t, err := f.scratch.AddParseTree(f.scratch.Name(), &tree)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = t.Execute(&out, f.fixed)
	return out.Bytes(), err
}

// drop takes out declarations of known variables that nothing reads.
func (f *folding) drop(root *parse.ListNode) {
	for {
		reads := map[string]int{}
		walk(root, func(n parse.Node) {
			if v, ok := n.(*parse.VariableNode); ok {
				reads[v.Ident[0]]++
			}
		})
		dropped := false
		walk(root, func(n parse.Node) {
			list, ok := n.(*parse.ListNode)
			if !ok || list == nil {
				return
			}
			list.Nodes = slices.DeleteFunc(list.Nodes, func(n parse.Node) bool {
				action, ok := n.(*parse.ActionNode)
				unread := ok && len(action.Pipe.Decl) == 1 && f.droppable(action.Pipe.Decl[0].Ident[0]) && reads[action.Pipe.Decl[0].Ident[0]] == 0
				dropped = dropped || unread
				return unread
			})
		})
		if !dropped {
			return
		}
	}
}

// droppable says whether a variable's declaration does nothing else.
func (f *folding) droppable(name string) bool { return f.known[name] || f.annotations[name] }
