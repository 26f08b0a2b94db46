package templates

import (
	"slices"
	"text/template/parse"
)

// A scope is what is known where an expression stands.
type scope struct {
	// atRoot says that the dot is the data, fixedDot that it is a fixed value.
	atRoot, fixedDot bool
	// variables are fixed here, besides those that are known everywhere.
	variables []string
}

// fixedNode says whether all that a node does is fixed.
func (f *folding) fixedNode(node parse.Node, here scope) bool {
	switch node := node.(type) {
	case *parse.TextNode, *parse.CommentNode:
		return true
	case *parse.ActionNode:
		return len(node.Pipe.Decl) == 0 && f.fixedPipe(node.Pipe, here)
	case *parse.IfNode:
		return f.fixedBranch(&node.BranchNode, here, here)
	case *parse.WithNode:
		return f.fixedBranch(&node.BranchNode, here, here.within(node.Pipe))
	case *parse.RangeNode:
		return f.fixedBranch(&node.BranchNode, here, here.within(node.Pipe))
	default:
		return false
	}
}

// within is the scope of a body whose dot is an element of a fixed value.
func (s scope) within(pipe *parse.PipeNode) scope {
	inner := scope{fixedDot: true, variables: slices.Clone(s.variables)}
	for _, v := range pipe.Decl {
		inner.variables = append(inner.variables, v.Ident[0])
	}
	return inner
}

func (f *folding) fixedBranch(node *parse.BranchNode, here, inner scope) bool {
	if node.Pipe.IsAssign || node.NodeType == parse.NodeIf && len(node.Pipe.Decl) > 0 || !f.fixedPipe(node.Pipe, here) {
		return false
	}
	return f.fixedList(node.List, inner) && f.fixedList(node.ElseList, here)
}

func (f *folding) fixedList(list *parse.ListNode, here scope) bool {
	return list == nil || !slices.ContainsFunc(list.Nodes, func(n parse.Node) bool { return !f.fixedNode(n, here) })
}

func (f *folding) fixedPipe(pipe *parse.PipeNode, here scope) bool {
	for _, cmd := range pipe.Cmds {
		if f.asksForAbsent(cmd, here) {
			continue
		}
		for _, arg := range cmd.Args {
			if !f.fixedArg(arg, here) {
				return false
			}
		}
	}
	return true
}

// asksForAbsent says whether a command asks for an annotation that a common pod
// does not have, and notes which.
func (f *folding) asksForAbsent(cmd *parse.CommandNode, here scope) bool {
	if !f.common || len(cmd.Args) < 3 {
		return false
	}
	name, ok := cmd.Args[2].(*parse.StringNode)
	switch called(cmd) {
	case "annotation":
		ok = ok && len(cmd.Args) == 4 && refersTo(cmd.Args[1], here, "ObjectMeta") && f.fixedArg(cmd.Args[3], here)
	case "index", "isset":
		ok = ok && len(cmd.Args) == 3 && f.holdsAnnotations(cmd.Args[1], here)
	default:
		return false
	}
	if ok {
		f.absent[name.Text] = true
	}
	return ok
}

// holdsAnnotations says whether a value is all annotations of a common pod.
func (f *folding) holdsAnnotations(arg parse.Node, here scope) bool {
	if v, ok := arg.(*parse.VariableNode); ok && len(v.Ident) == 1 && f.annotations[v.Ident[0]] {
		return true
	}
	return f.common && refersTo(arg, here, "ObjectMeta", "Annotations")
}

// refersTo says whether a value is a certain field of the data.
func refersTo(arg parse.Node, here scope, path ...string) bool {
	switch arg := arg.(type) {
	case *parse.FieldNode:
		return here.atRoot && slices.Equal(arg.Ident, path)
	case *parse.VariableNode:
		return arg.Ident[0] == "$" && slices.Equal(arg.Ident[1:], path)
	default:
		return false
	}
}

func (f *folding) fixedArg(arg parse.Node, here scope) bool {
	switch arg := arg.(type) {
	case *parse.BoolNode, *parse.NumberNode, *parse.StringNode, *parse.NilNode:
		return true
	case *parse.IdentifierNode:
		return arg.Ident != workFunction && !slices.Contains(mutators, arg.Ident)
	case *parse.DotNode:
		return here.fixedDot
	case *parse.FieldNode:
		return here.fixedDot || here.atRoot && slices.Contains(f.fields, arg.Ident[0])
	case *parse.VariableNode:
		if arg.Ident[0] == "$" {
			return len(arg.Ident) > 1 && slices.Contains(f.fields, arg.Ident[1])
		}
		return f.known[arg.Ident[0]] || slices.Contains(here.variables, arg.Ident[0])
	case *parse.ChainNode:
		return f.fixedArg(arg.Node, here)
	case *parse.PipeNode:
		return len(arg.Decl) == 0 && f.fixedPipe(arg, here)
	default:
		return false
	}
}

// onceDeclared are the variables that are declared once and never assigned: with
// them no scope needs to be looked at.
func onceDeclared(root *parse.ListNode) map[string]bool {
	declared, once := map[string]int{}, map[string]bool{}
	walk(root, func(n parse.Node) {
		pipe, ok := n.(*parse.PipeNode)
		if !ok {
			return
		}
		for _, v := range pipe.Decl {
			declared[v.Ident[0]]++
			if pipe.IsAssign {
				declared[v.Ident[0]]++
			}
		}
	})
	for name, times := range declared {
		once[name] = times == 1
	}
	return once
}

// walk visits a node and all that is in it. Variables that a pipe declares are
// not visited: they are not read there.
func walk(node parse.Node, visit func(parse.Node)) {
	switch node := node.(type) {
	case *parse.ListNode:
		if node == nil {
			return
		}
		visit(node)
		for _, child := range node.Nodes {
			walk(child, visit)
		}
		return
	case *parse.PipeNode:
		if node == nil {
			return
		}
		visit(node)
		for _, cmd := range node.Cmds {
			for _, arg := range cmd.Args {
				walk(arg, visit)
			}
		}
		return
	}
	visit(node)
	switch node := node.(type) {
	case *parse.ActionNode:
		walk(node.Pipe, visit)
	case *parse.TemplateNode:
		walk(node.Pipe, visit)
	case *parse.ChainNode:
		walk(node.Node, visit)
	case *parse.IfNode:
		walkBranch(&node.BranchNode, visit)
	case *parse.WithNode:
		walkBranch(&node.BranchNode, visit)
	case *parse.RangeNode:
		walkBranch(&node.BranchNode, visit)
	}
}

func walkBranch(node *parse.BranchNode, visit func(parse.Node)) {
	walk(node.Pipe, visit)
	walk(node.List, visit)
	walk(node.ElseList, visit)
}
