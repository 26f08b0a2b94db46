package inject

import (
	"fmt"
	"slices"
)

// An Explanation is what [Injector.Inject] gives for a request, and whence it is.
type Explanation struct {
	Result
	// Templates are those of the decision; empty unless the verdict is Inject.
	Templates []Choice
	// Native says whether the pod's sidecar is a native one, and why.
	Native Native
	// Origins are of all that the patch adds, replaces or removes, but for the
	// places of containers.
	Origins []Origin
}

// A Choice is a template that is laid over a pod.
type Choice struct {
	Name string
	// Why is what named it.
	Why string
	// Builtin says that it is one of ours, not one of the configuration's.
	Builtin bool
}

// Explain injects as [Injector.Inject] does, and says besides who set what: its
// Result is Inject's. It costs several times as much.
func (in *Injector) Explain(req Request) (Explanation, error) {
	result, err := in.Inject(req)
	e := Explanation{Result: result}
	if err != nil || result.Decision.Verdict != Inject {
		return e, err
	}
	trace := &tracing{}
	req.Passed, req.trace = nil, trace
	if err := in.retrace(req); err != nil {
		return e, err
	}
	e.Origins, e.Templates = trace.origins, in.choices(trace.listed, trace.names, result.Decision.Templates)
	e.Native = Native{Supported: trace.native, Why: trace.nativeWhy}
	return e, nil
}

// retrace goes the way of a pod once more, whole, for what is noted on it.
func (in *Injector) retrace(req Request) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = &PanicError{Cause: cause}
		}
	}()
	_, err = in.injectText(req)
	return err
}

// choices say who named each of the templates that were chosen.
func (in *Injector) choices(byPod bool, names, chosen []string) []Choice {
	where := "defaultTemplates of the configuration"
	if byPod {
		where = "annotation " + TemplatesAnnotation
	}
	var out []Choice
	for _, name := range chosen {
		why := where
		for _, asked := range names {
			if aliased, ok := in.config.Aliases[asked]; ok && slices.Contains(aliased, name) {
				why = fmt.Sprintf("%s, by the alias %q", where, asked)
				break
			}
			if asked == name {
				break
			}
		}
		_, own := in.config.Templates[name]
		out = append(out, Choice{Name: name, Why: why, Builtin: !own})
	}
	return out
}
