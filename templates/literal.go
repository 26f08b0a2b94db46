package templates

import (
	"fmt"
	"text/template/parse"
)

// args puts literals in the place of fixed arguments.
func (f *folding) args(pipe *parse.PipeNode, here scope) {
	if pipe == nil {
		return
	}
	for nth, cmd := range pipe.Cmds {
		for i, arg := range cmd.Args {
			if i == 0 && (nth > 0 || len(cmd.Args) > 1) {
				continue // what is called
			}
			if inner, ok := arg.(*parse.PipeNode); ok && !f.fixedArg(arg, here) {
				f.args(inner, here)
				continue
			}
			if literal := f.literal(arg, here); literal != nil {
				cmd.Args[i] = literal
			}
		}
	}
}

// literal is a string or a bool in the place of a fixed argument, nil for any
// other. Numbers have types that no literal has.
func (f *folding) literal(arg parse.Node, here scope) parse.Node {
	switch arg.(type) {
	case *parse.PipeNode, *parse.FieldNode, *parse.VariableNode, *parse.ChainNode:
	default:
		return nil
	}
	if !f.fixedArg(arg, here) {
		return nil
	}
	at := arg.Position()
	capture := &parse.CommandNode{NodeType: parse.NodeCommand, Pos: at}
	capture.Args = []parse.Node{parse.NewIdentifier(captureFunction).SetPos(at), arg}
	pipe := &parse.PipeNode{NodeType: parse.NodePipe, Pos: at, Cmds: []*parse.CommandNode{capture}}
	f.captured = nil
	if _, err := f.run(&parse.ActionNode{NodeType: parse.NodeAction, Pos: at, Pipe: pipe}); err != nil {
		return nil
	}
	switch value := f.captured.(type) {
	case string:
		if len(value) <= maxFolded {
			return &parse.StringNode{NodeType: parse.NodeString, Pos: at, Text: value, Quoted: fmt.Sprintf("%q", value)}
		}
	case bool:
		return &parse.BoolNode{NodeType: parse.NodeBool, Pos: at, True: value}
	}
	return nil
}
