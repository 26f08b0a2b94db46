package templates

import (
	"reflect"
	"slices"
	"text/template"
	"text/template/parse"

	corev1 "k8s.io/api/core/v1"
)

// SeesVariables says whether what a template gives may depend on the environment
// variables of a pod's containers. Most templates look at names and ports alone; a
// pod can then be rendered without its variables, which may be most of it. In doubt
// it is true, and so for a template that there is not.
func (s *Set) SeesVariables(name string) bool {
	program, ok := s.programs[name]
	return !ok || program.sees
}

// A sight follows, through a template, the values that hold a pod's variables. What
// counts is a value's type:
//
//	.Env                         seen
//	{{ X }}                      seen, where X holds variables: it is printed
//	f X                          seen, unless f is known to look elsewhere (sightless)
//	X.Method                     seen
//	template "t" X               what the template t sees of X
//	X.Field, index X 0, range X  the field, the element
//	if X, with X                 not seen: whether there is any
//	$v := X                      as X, from there on
//
// A value of no type that is known, as those of the configuration, holds none.
type sight struct {
	template  *template.Template
	seen      bool
	variables []sighted
	called    []sighted
}

// sighted is a template's variable and the type of what it holds, or a template that
// is called and the type of its dot.
type sighted struct {
	name string
	typ  reflect.Type
}

// sightless are the functions that look at no variable of the containers that they
// are given.
var sightless = []string{"applicationPorts", "includeInboundPorts", "otelResourceAttributes", "len", "not"}

// seesVariables looks at a parsed template, and at what it calls.
func seesVariables(t *template.Template) bool {
	s := &sight{template: t}
	s.call(t.Name(), reflect.TypeFor[Data]())
	return s.seen
}

// call follows a template for a dot that holds variables; once is enough.
func (s *sight) call(name string, dot reflect.Type) {
	called := sighted{name, dot}
	t := s.template.Lookup(name)
	if t == nil || t.Tree == nil || slices.Contains(s.called, called) {
		return
	}
	s.called = append(s.called, called)
	outside := s.variables
	s.variables = []sighted{{"$", dot}}
	s.list(t.Root, dot)
	s.variables = outside
}

// list follows nodes one after the other; what they declare ends with them.
func (s *sight) list(list *parse.ListNode, dot reflect.Type) {
	if list == nil {
		return
	}
	depth := len(s.variables)
	for _, node := range list.Nodes {
		s.node(node, dot)
	}
	s.variables = s.variables[:depth]
}

func (s *sight) node(node parse.Node, dot reflect.Type) {
	depth := len(s.variables)
	switch node := node.(type) {
	case *parse.ActionNode:
		typ := s.pipe(node.Pipe, dot)
		s.declare(node.Pipe, typ)
		s.seen = s.seen || len(node.Pipe.Decl) == 0 && holdsVariables(typ)
		return
	case *parse.TemplateNode:
		if node.Pipe != nil {
			if typ := s.pipe(node.Pipe, dot); holdsVariables(typ) {
				s.call(node.Name, typ)
			}
		}
	case *parse.IfNode:
		s.declare(node.Pipe, s.pipe(node.Pipe, dot))
		s.list(node.List, dot)
		s.list(node.ElseList, dot)
	case *parse.WithNode:
		typ := s.pipe(node.Pipe, dot)
		s.declare(node.Pipe, typ)
		s.list(node.List, typ)
		s.list(node.ElseList, dot)
	case *parse.RangeNode:
		element := elementOf(s.pipe(node.Pipe, dot))
		s.declare(node.Pipe, element)
		s.list(node.List, element)
		s.list(node.ElseList, dot)
	}
	s.variables = s.variables[:depth]
}

// declare notes what variables hold; an index, the first of two, is not told from
// the element. One that is assigned what holds variables is lost sight of.
func (s *sight) declare(pipe *parse.PipeNode, typ reflect.Type) {
	if pipe.IsAssign {
		s.seen = s.seen || holdsVariables(typ)
		return
	}
	for _, v := range pipe.Decl {
		s.variables = append(s.variables, sighted{v.Ident[0], typ})
	}
}

// pipe is the type of a pipeline's value, nil for one that holds no variables.
func (s *sight) pipe(pipe *parse.PipeNode, dot reflect.Type) reflect.Type {
	var value reflect.Type
	for nth, cmd := range pipe.Cmds {
		args := make([]reflect.Type, 0, len(cmd.Args)+1)
		for _, arg := range cmd.Args {
			args = append(args, s.arg(arg, dot))
		}
		if nth > 0 {
			args = append(args, value)
		}
		value = s.command(called(cmd), args)
	}
	return value
}

// command is the type of what a command gives: its only argument, or what a
// function makes of those behind it.
func (s *sight) command(function string, args []reflect.Type) reflect.Type {
	switch {
	case function == "" && len(args) == 1:
		return args[0]
	case !slices.ContainsFunc(args, holdsVariables), slices.Contains(sightless, function):
		return nil
	case function == eachFunction:
		return args[len(args)-1]
	case function == "index" && len(args) == 3:
		return elementOf(args[1])
	default:
		s.seen = true
		return nil
	}
}

func (s *sight) arg(arg parse.Node, dot reflect.Type) reflect.Type {
	switch arg := arg.(type) {
	case *parse.DotNode:
		return dot
	case *parse.FieldNode:
		return s.fields(dot, arg.Ident)
	case *parse.VariableNode:
		return s.fields(s.variable(arg.Ident[0]), arg.Ident[1:])
	case *parse.ChainNode:
		return s.fields(s.arg(arg.Node, dot), arg.Field)
	case *parse.PipeNode:
		return s.pipe(arg, dot)
	default:
		return nil
	}
}

// variable is the type of what a variable holds where it is read.
func (s *sight) variable(name string) reflect.Type {
	for _, v := range slices.Backward(s.variables) {
		if v.name == name {
			return v.typ
		}
	}
	return nil
}

// fields follows the names of fields.
func (s *sight) fields(typ reflect.Type, names []string) reflect.Type {
	for _, name := range names {
		if !holdsVariables(typ) {
			return nil
		}
		if typ.Kind() == reflect.Pointer {
			typ = typ.Elem()
		}
		_, isMethod := reflect.PointerTo(typ).MethodByName(name)
		if isMethod || typ.Kind() != reflect.Struct {
			s.seen = true
			return nil
		}
		field, ok := typ.FieldByName(name)
		if !ok {
			return nil // an error, whatever the variables
		}
		typ = field.Type
		s.seen = s.seen || typ == variablesType
	}
	return typ
}

var variablesType = reflect.TypeFor[[]corev1.EnvVar]()

// elementOf is the type of a list's elements, nil for what is none.
func elementOf(typ reflect.Type) reflect.Type {
	if typ == nil || typ.Kind() != reflect.Slice && typ.Kind() != reflect.Array && typ.Kind() != reflect.Map {
		return nil
	}
	return typ.Elem()
}

// holdsVariables says whether a value of a type may have a pod's variables in it.
func holdsVariables(typ reflect.Type) bool {
	return slices.Contains(holders, typ)
}

// holders are the types of [Data], and of what is in it, that lead to variables.
var holders = func() []reflect.Type {
	var found []reflect.Type
	visiting := map[reflect.Type]bool{}
	var leads func(reflect.Type) bool
	leads = func(typ reflect.Type) bool {
		if visiting[typ] {
			return slices.Contains(found, typ)
		}
		visiting[typ] = true
		yes := typ == variablesType
		switch typ.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
			yes = leads(typ.Elem()) || yes
		case reflect.Struct:
			for i := range typ.NumField() {
				yes = leads(typ.Field(i).Type) || yes
			}
		}
		if yes {
			found = append(found, typ)
		}
		return yes
	}
	leads(reflect.TypeFor[Data]())
	return found
}()
