package templates

import (
	"bytes"
	"fmt"
	"slices"
	"sync"
	"text/template"
)

// maxText is how long a template may be: ten times Istio's longest. What it is
// parsed into can take five hundred times as much memory.
const maxText = 256 << 10

// maxOutput is how much an execution may write. A whole pod that is larger does
// not fit into etcd.
const maxOutput = 1 << 20

var errOutput = fmt.Errorf("more than %d bytes of output", maxOutput)

// A program is a template with what it takes to execute it.
type program struct {
	template *template.Template
	// functions are those that the template names.
	functions map[string]function
	// mutates says that it may change maps, and so needs values of its own.
	mutates bool
	// sees says that it may look at the variables of a pod's containers.
	sees bool
	// executions are kept for the next one: making one costs more than using it.
	executions sync.Pool
	// common is the same template for common pods; nil where there is none.
	common *commonProgram
}

// A commonProgram is a template for pods that are as most are: their data has the
// common fields of data, and none of the annotations that the template asks for.
type commonProgram struct {
	program *program
	data    *Data
	absent  []string
}

// fits says whether data is that of a common pod.
func (c *commonProgram) fits(data *Data) bool {
	same := data.NativeSidecars == c.data.NativeSidecars && data.ProxyConfig == c.data.ProxyConfig &&
		data.ProxyImage == c.data.ProxyImage && data.ProxyInitImage == c.data.ProxyInitImage &&
		data.ProxyUID == c.data.ProxyUID && data.ProxyGID == c.data.ProxyGID
	return same && !slices.ContainsFunc(c.absent, func(name string) bool {
		_, there := data.ObjectMeta.Annotations[name]
		return there
	})
}

// compile parses a text and makes it pay for what it does.
func compile(text string, known map[string]function, opts Options) (*program, error) {
	p, err := parseProgram(text, known)
	if err != nil || p.mutates {
		return p, err
	}
	if opts.Fixed != nil {
		fold(p.template, p.functions, opts.Fixed)
	}
	if opts.Common != nil {
		common, err := parseProgram(text, known)
		if err != nil {
			return nil, err
		}
		absent := foldCommon(common.template, common.functions, opts.Common)
		p.common = &commonProgram{program: common, data: opts.Common, absent: absent}
	}
	return p, nil
}

func parseProgram(text string, known map[string]function) (*program, error) {
	if len(text) > maxText {
		return nil, fmt.Errorf("%d bytes, want at most %d", len(text), maxText)
	}
	parsed, err := template.New(parseName).Funcs(parsing(known)).Parse(text)
	if err != nil {
		return nil, explain(err)
	}
	rewritten, err := rewrite(parsed, known)
	if err != nil {
		return nil, err
	}
	p := &program{template: parsed, functions: map[string]function{}, mutates: rewritten.mutates, sees: seesVariables(parsed)}
	for name, fn := range known {
		if rewritten.uses[name] {
			p.functions[name] = fn
		}
	}
	for name, fn := range loopFunctions() {
		p.functions[name] = fn
	}
	return p, nil
}

// An execution is a program's template with functions bound to a meter of its
// own: a clone, since functions do not see who calls them.
type execution struct {
	template *template.Template
	meter    meter
	output   bytes.Buffer
}

func (p *program) execution() (*execution, error) {
	if kept, ok := p.executions.Get().(*execution); ok {
		return kept, nil
	}
	clone, err := p.template.Clone()
	if err != nil {
		return nil, err
	}
	e := &execution{}
	bound := make(template.FuncMap, len(p.functions))
	for name, fn := range p.functions {
		bound[name] = fn(&e.meter)
	}
	e.template = clone.Funcs(bound)
	return e, nil
}

func (p *program) execute(data *Data) (output string, err error) {
	if p.common != nil && p.common.fits(data) {
		return p.common.program.execute(data)
	}
	e, err := p.execution()
	if err != nil {
		return "", err
	}
	defer func() {
		// text/template passes on a panic of reflect's, and of a method's.
		if cause := recover(); cause != nil {
			output, err = "", fmt.Errorf("panic: %v", cause)
		}
	}()
	if p.mutates {
		own := *data
		own.Values, _ = ownCopy(data.Values).(map[string]any)
		data = &own
	}
	e.meter.left = maxWork
	e.output.Reset()
	if err := e.template.Execute(e, data); err != nil {
		return "", explain(err)
	}
	output = e.output.String()
	p.executions.Put(e)
	return output, nil
}

// Write takes output until there is too much.
func (e *execution) Write(b []byte) (int, error) {
	if e.output.Len()+len(b) > maxOutput {
		return 0, errOutput
	}
	return e.output.Write(b)
}

// ownCopy is a copy of values all the way down.
func ownCopy(value any) any {
	switch value := value.(type) {
	case map[string]any:
		own := make(map[string]any, len(value))
		for key, element := range value {
			own[key] = ownCopy(element)
		}
		return own
	case []any:
		own := make([]any, len(value))
		for i, element := range value {
			own[i] = ownCopy(element)
		}
		return own
	default:
		return value
	}
}
