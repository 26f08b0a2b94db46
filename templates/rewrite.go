package templates

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"text/template/parse"
)

// Functions that rewriting puts into a template. A template cannot name them:
// they are not known while it is parsed.
const (
	workFunction = "_work" // WORK: spends it, gives ""
	eachFunction = "_each" // WORK VALUE: spends it for each element of the value, gives the value
	showFunction = "_show" // VALUE: weighs the value, refuses one with an address, gives it
)

// callWork is what a call of another template costs beyond its nodes. It bounds
// how deep calls can go, and with that the stack, at five thousand.
const callWork = 100 * nodeWork

// methodWork is what calling a String method costs: it may print a whole pod.
const methodWork = 500 * nodeWork

// rewriting makes a parsed template pay for what text/template does by itself.
// It offers no hook for that, but its trees are open:
//
//	{{ range X }}…      becomes  {{ range X | _each 96 }}…   96: the work of one turn
//	{{ define "a" }}…   becomes  {{ define "a" }}{{ _work 112 }}…
//	{{ X }}             becomes  {{ X | _show }}             unless X calls what makes text or a number
type rewriting struct {
	known   map[string]function
	uses    map[string]bool // the functions that the template names, and those above
	mutates bool            // a mutator is called for something that was there before
	tree    *parse.Tree     // the one being rewritten
	err     error
}

// rewrite changes the trees of t and of all that it defines. The error is about
// a tree that does what none may.
func rewrite(t *template.Template, known map[string]function) (*rewriting, error) {
	r := &rewriting{known: known, uses: map[string]bool{workFunction: true, eachFunction: true, showFunction: true}}
	for _, defined := range t.Templates() {
		if defined.Tree != nil && defined.Root != nil {
			r.tree = defined.Tree
			r.root(defined.Root)
		}
	}
	return r, r.err
}

func (r *rewriting) root(root *parse.ListNode) {
	call := command(root.Pos, workFunction, r.list(root))
	pipe := &parse.PipeNode{NodeType: parse.NodePipe, Pos: root.Pos, Cmds: []*parse.CommandNode{call}}
	pay := &parse.ActionNode{NodeType: parse.NodeAction, Pos: root.Pos, Pipe: pipe}
	root.Nodes = slices.Insert(root.Nodes, 0, parse.Node(pay))
}

// command is a call of one of rewriting's functions.
func command(at parse.Pos, name string, args ...int) *parse.CommandNode {
	call := &parse.CommandNode{NodeType: parse.NodeCommand, Pos: at}
	call.Args = append(call.Args, parse.NewIdentifier(name).SetPos(at))
	for _, n := range args {
		call.Args = append(call.Args, &parse.NumberNode{
			NodeType: parse.NodeNumber, Pos: at, IsInt: true, Int64: int64(n), Text: strconv.Itoa(n),
		})
	}
	return call
}

// list returns the work of executing a list of nodes once, its loops' turns apart.
func (r *rewriting) list(list *parse.ListNode) int {
	if list == nil {
		return 0
	}
	work := 0
	for _, node := range list.Nodes {
		work += nodeWork + r.node(node)
	}
	return work
}

func (r *rewriting) node(node parse.Node) int {
	switch node := node.(type) {
	case *parse.ActionNode:
		work := r.pipe(node.Pipe)
		if len(node.Pipe.Decl) == 0 && !r.makesScalar(node.Pipe.Cmds[len(node.Pipe.Cmds)-1]) {
			node.Pipe.Cmds = append(node.Pipe.Cmds, command(node.Pos, showFunction))
		}
		return work
	case *parse.IfNode:
		return r.pipe(node.Pipe) + r.list(node.List) + r.list(node.ElseList)
	case *parse.WithNode:
		return r.pipe(node.Pipe) + r.list(node.List) + r.list(node.ElseList)
	case *parse.RangeNode:
		work := r.pipe(node.Pipe) + r.list(node.ElseList)
		turn := nodeWork + r.list(node.List)
		node.Pipe.Cmds = append(node.Pipe.Cmds, command(node.Pos, eachFunction, turn))
		return work
	case *parse.TemplateNode:
		return callWork + r.pipe(node.Pipe)
	default:
		return 0
	}
}

func (r *rewriting) pipe(pipe *parse.PipeNode) int {
	if pipe == nil {
		return 0
	}
	work := 0
	for _, cmd := range pipe.Cmds {
		for _, arg := range cmd.Args {
			work += nodeWork + r.arg(arg)
		}
		if slices.Contains(mutators, called(cmd)) && !makesDict(cmd) {
			r.mutates = true
		}
	}
	return work
}

// makesScalar says whether a command is a literal, or calls a function whose result
// has nothing else in it: a text, a number or a bool.
func (r *rewriting) makesScalar(cmd *parse.CommandNode) bool {
	switch cmd.Args[0].(type) {
	case *parse.StringNode, *parse.NumberNode, *parse.BoolNode:
		return true
	}
	fn, ok := r.known[called(cmd)]
	return ok && !hasPointers(reflect.TypeOf(fn(&meter{})).Out(0))
}

// called is the name of the function that a command calls, "" for anything else.
func called(cmd *parse.CommandNode) string {
	if function, ok := cmd.Args[0].(*parse.IdentifierNode); ok {
		return function.Ident
	}
	return ""
}

// makesDict says whether a command's first argument is (dict …): nobody else
// holds that map.
func makesDict(cmd *parse.CommandNode) bool {
	if len(cmd.Args) < 2 {
		return false
	}
	pipe, ok := cmd.Args[1].(*parse.PipeNode)
	return ok && len(pipe.Cmds) == 1 && called(pipe.Cmds[0]) == "dict"
}

func (r *rewriting) arg(arg parse.Node) int {
	switch arg := arg.(type) {
	case *parse.IdentifierNode:
		r.uses[arg.Ident] = true
		return 0
	case *parse.PipeNode:
		return r.pipe(arg)
	case *parse.FieldNode:
		return r.fields(arg, arg.Ident)
	case *parse.VariableNode:
		return r.fields(arg, arg.Ident[1:])
	case *parse.ChainNode:
		return r.arg(arg.Node) + r.fields(arg, arg.Field)
	default:
		return 0
	}
}

// fields looks at the names of fields and methods that follow each other.
func (r *rewriting) fields(node parse.Node, names []string) int {
	work := 0
	for _, name := range names {
		if refusedMethod(name) && r.err == nil {
			location, expression := r.tree.ErrorContext(node)
			r.err = explain(fmt.Errorf("template: %s: executing %q at <%s>: a template may call Get… and String of its data, not %s",
				location, r.tree.Name, expression, name))
		}
		work += nodeWork
		if name == "String" {
			work += methodWork
		}
	}
	return work
}

// refusedMethod says whether a method is none for templates: it changes the data,
// which others read at the same time, copies or prints a great deal of it, or
// leads to what does. A field of that name is refused as well; only values have any.
func refusedMethod(name string) bool {
	for _, prefix := range []string{"Append", "DeepCopy", "Gob", "Marshal", "OpenAPI", "Unmarshal"} {
		// ProtoReflect, and not Protocol.
		rest, ok := strings.CutPrefix(name, prefix)
		if ok && (rest == "" || rest[0] >= 'A' && rest[0] <= 'Z') {
			return true
		}
	}
	return slices.Contains([]string{
		"AsDec", "AsInterface", "AsMap", "AsSlice", "Descriptor", "Format", "GetRawReader", "GoString", "Local",
		"Mul", "ProtoReflect", "ProtoTime", "RoundUp", "ScaledValue", "Size", "SwaggerDoc", "ToDec", "ToUnstructured",
	}, name)
}
