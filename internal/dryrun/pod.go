package dryrun

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	corev1 "k8s.io/api/core/v1"
	kjson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"

	"outrigger.dev/outrigger/inject"
	"outrigger.dev/outrigger/internal/manifest"
)

// Stages of the trace, and who an outcome is by.
const (
	stageAPIServer = "api-server"
	stageOutrigger = "outrigger"
)

// pod answers for one pod. An error is not the pod's.
func (s *run) pod(ctx context.Context, a asked) (Pod, error) {
	s.clock.take()
	namespace := s.namespace(ctx, a.manifest.Namespace)
	s.clock.passed("namespace")
	ns := inject.Namespace{
		Name: namespace.Name, Labels: namespace.Labels, Annotations: namespace.Annotations, Unknown: namespace.From == "unknown",
	}
	p := Pod{Manifest: a.manifest, Namespace: namespace, Owner: ownerOf(a), Before: a.workload.Pod, After: a.workload.Pod, Patch: []Operation{}}
	p.Call = s.matcher.Match(ctx, s.webhooks, a.pod, ns)
	if a.reviewed && !p.Call.Called {
		p.Call.Called, p.Call.From, p.Call.Why = true, "assumed", ""
	}
	s.clock.passed("call")

	explained, err := s.source.Injector.Explain(inject.Request{
		Pod: a.workload.Pod, Namespace: ns, Path: s.path, Native: s.native, ProxyConfigs: s.Cluster.ProxyConfigs,
		Owner: a.workload.Owner(), Passed: func(phase inject.Phase) { s.clock.passed(string(phase)) },
	})
	p.decided(explained, err)
	s.clock.passed("origins")
	p.outcome(ns, a.pod)
	if p.Outcome.Verdict == string(inject.Inject) {
		if err := p.injected(a, explained); err != nil {
			return Pod{}, refuse(http.StatusInternalServerError, "%s: %v", a.workload, err)
		}
		s.clock.passed("manifest")
	}
	after := &corev1.Pod{}
	if err := kjson.UnmarshalCaseSensitivePreserveInts(p.After, after); err != nil {
		return Pod{}, refuse(http.StatusInternalServerError, "%s: injected: %v", a.workload, err)
	}
	p.StartOrder = startOrder(a.pod, after)
	p.Checks = s.checks(ctx, ns, a.pod, after)
	s.clock.passed("checks")
	p.Timings = s.clock.take()
	return p, nil
}

func ownerOf(a asked) Owner {
	owner := inject.OwnerOf(a.pod)
	if known := a.workload.Owner(); known != nil {
		owner = *known
	}
	return Owner{APIVersion: owner.APIVersion, Kind: owner.Kind, Name: owner.Name}
}

// decided takes in what Outrigger says.
func (p *Pod) decided(e inject.Explanation, err error) {
	p.Decision, p.Warnings = e.Decision, e.Warnings
	if err != nil {
		p.Fault = err.Error()
		p.Decision = inject.Decision{Reason: inject.Fault, Sentence: err.Error(), Trace: []inject.Step{}}
	}
	if p.Decision.Verdict == inject.Inject {
		p.Native = &Native{Sidecar: e.Native.Supported, Why: e.Native.Why}
	}
	for _, choice := range e.Templates {
		source := "configuration"
		if choice.Builtin {
			source = "built-in"
		}
		p.Templates = append(p.Templates, Template{Name: choice.Name, Why: choice.Why, Source: source})
	}
}

// outcome puts both stages together, and the trace of both.
func (p *Pod) outcome(ns inject.Namespace, pod *corev1.Pod) {
	p.Outcome = p.Call.Outcome(p.Decision, p.Fault != "", ns, pod)
	if p.Outcome.By == stageAPIServer {
		p.Warnings = nil // nobody is called to give any
	}
	p.Trace = p.trace()
}

// Outcome is both stages together: what happens to a pod of the namespace about which
// Outrigger decides so, or fails to, if it is called.
func (c Call) Outcome(d inject.Decision, fault bool, ns inject.Namespace, pod *corev1.Pod) Outcome {
	o := Outcome{Verdict: string(d.Verdict), Reason: d.Reason, Sentence: d.Sentence, By: stageOutrigger}
	if fault {
		o.Verdict = string(inject.Fault)
	}
	refused := c.refuses()
	switch {
	case refused != "":
		return Outcome{Verdict: string(inject.Deny), Reason: inject.Fault, Sentence: refused, By: stageAPIServer}
	case !c.Called && d.Verdict == inject.Skip:
		o.By = stageAPIServer
	case !c.Called:
		return Outcome{
			Verdict: string(inject.Skip), Reason: c.reason(ns, pod), By: stageAPIServer,
			Sentence: "the API server does not call Outrigger: " + c.Why,
		}
	}
	return o
}

// refuses says why the API server refuses the pod before it calls; "" as a rule.
func (c Call) refuses() string {
	for _, e := range append(c.Entries, c.Others...) {
		if why := e.refuses(); why != "" {
			return why
		}
	}
	return ""
}

// trace has the steps of both stages, and marks the one that decided.
func (p *Pod) trace() []Step {
	var steps []Step
	for _, e := range p.Call.Entries {
		steps = append(steps, Step{Stage: stageAPIServer, Rule: e.id(), Input: e.input(), Outcome: e.outcome(), Deciding: e.id() == p.Call.By && p.Outcome.By == stageAPIServer})
	}
	if len(p.Call.Entries) == 0 {
		steps = append(steps, Step{Stage: stageAPIServer, Rule: "webhook configurations", Input: assumption(p.Call), Outcome: outcomeOf(p.Call.Called)})
	}
	if p.Outcome.By == stageAPIServer {
		at := len(steps) - 1
		for i, e := range p.Call.Entries {
			if e.id() == p.Call.furthest().id() {
				at = i
			}
		}
		steps[at].Deciding = true
	}
	for i, step := range p.Decision.Trace {
		outcome := string(step.Outcome)
		if outcome == "" {
			outcome = "pass"
		}
		deciding := p.Outcome.By == stageOutrigger && i == deciding(p.Decision)
		steps = append(steps, Step{Stage: stageOutrigger, Rule: string(step.Rule), Input: step.Input, Outcome: outcome, Deciding: deciding})
	}
	return steps
}

// deciding is the step of a decision's trace that it comes from: a denial is found
// last, everything else by the first rule with an opinion.
func deciding(d inject.Decision) int {
	for i, step := range d.Trace {
		if step.Outcome == d.Verdict && step.Rule == d.Reason {
			return i
		}
	}
	return len(d.Trace) - 1
}

func assumption(c Call) string {
	if c.From == "assumed" {
		return "nothing is known of the namespace, so the call is assumed"
	}
	return c.Why
}

func outcomeOf(called bool) string {
	if called {
		return "call"
	}
	return "pass"
}

func (e Entry) outcome() string { return outcomeOf(e.Calls) }

// input is what an entry looked at: the condition that does not hold, or all.
func (e Entry) input() string {
	last := e.Conditions[len(e.Conditions)-1]
	switch {
	case e.Calls:
		return fmt.Sprintf("all %d conditions hold", len(e.Conditions))
	case last.fails != "":
		return last.fails
	case last.Error != "":
		return last.Field + ": " + last.Error
	}
	return fmt.Sprintf("%s wants %s: %s", last.Field, last.Wants, last.Has)
}

// injected takes in the injected pod, its manifest, and who set what.
func (p *Pod) injected(a asked, e inject.Explanation) error {
	p.After = e.Pod()
	raw, err := inject.EncodePatch(e.Patch)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(raw, &p.Patch); err != nil {
		return err
	}
	for _, origin := range e.Origins {
		p.Origins = append(p.Origins, Origin{Path: origin.Path, By: origin.By, Op: origin.Op})
	}
	before, after, err := rewritten(a, e.Patch)
	if err != nil {
		return err
	}
	p.Injected = after
	p.Diff, err = manifest.Diff(a.workload.String(), a.workload.String()+", injected", before, after)
	return err
}

// rewritten is a manifest before and after: as it was written where it is a document
// of its own, and else as YAML.
func rewritten(a asked, patch []inject.Operation) (before, after string, err error) {
	root := strings.TrimSuffix(strings.TrimSuffix(a.workload.Prefix, "/spec/jobTemplate/spec/template"), "/spec/template")
	if a.workload.Kind == "Pod" {
		root = a.workload.Prefix
	}
	if root == "" {
		return a.document.Rewrite(a.workload.Prefixed(patch))
	}
	document, err := inject.Apply(a.document.JSON, a.workload.Prefixed(patch))
	if err != nil {
		return "", "", err
	}
	was, err := yaml.JSONToYAML(lookup(a.document.JSON, root))
	if err != nil {
		return "", "", err
	}
	is, err := yaml.JSONToYAML(lookup(document, root))
	return string(was), string(is), err
}
