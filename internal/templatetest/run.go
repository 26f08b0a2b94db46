package templatetest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"outrigger.dev/outrigger/inject"
)

// Run injects the test's pods and says what is not as wanted, a line each. An error is
// a fault of the injector's.
func (t Test) Run(in *inject.Injector) ([]string, error) {
	var all []string
	for _, w := range t.workloads {
		found, err := t.run(in, w)
		if err != nil {
			return nil, err
		}
		for _, difference := range found {
			if len(t.workloads) > 1 {
				difference = fmt.Sprintf("%s: %s", w, difference)
			}
			all = append(all, difference)
		}
	}
	return all, nil
}

func (t Test) run(in *inject.Injector, w inject.Workload) ([]string, error) {
	result, err := in.Inject(t.request(w))
	if err != nil {
		return nil, err
	}
	all := t.Want.ofDecision(result)
	if t.Want.Pod == nil || len(all) > 0 {
		return all, nil
	}
	after, err := inject.Apply(w.Pod, result.Patch)
	if err != nil {
		return nil, err
	}
	var pod any
	if err := json.Unmarshal(after, &pod); err != nil {
		return nil, err
	}
	return Differences(t.Want.Pod, pod), nil
}

// request is the API server's, as the test has it.
func (t Test) request(w inject.Workload) inject.Request {
	native := inject.Native{Supported: t.Native == nil || *t.Native, Why: "the test says so"}
	req := inject.Request{Pod: w.Pod, Native: native.Everywhere, Namespace: inject.Namespace{Name: w.Namespace, Unknown: t.Namespace == nil}}
	if req.Namespace.Name == "" {
		req.Namespace.Name = inject.DefaultNamespace
	}
	if t.Namespace != nil {
		req.Namespace.Labels, req.Namespace.Annotations = t.Namespace.Labels, t.Namespace.Annotations
	}
	if t.File != "" {
		req.Owner = w.Owner()
	}
	return req
}

// ofDecision compares all but the pod.
func (want Want) ofDecision(result inject.Result) []string {
	var all []string
	got := result.Decision
	verdict := want.Decision
	if verdict == "" {
		verdict = inject.Inject
	}
	if got.Verdict != verdict || want.Reason != "" && want.Reason != got.Reason {
		wanted := strings.TrimSpace(fmt.Sprintf("%s %s", verdict, want.Reason))
		all = append(all, fmt.Sprintf("the decision is %s %s (%s), want %s", got.Verdict, got.Reason, got.Sentence, wanted))
	}
	if want.Templates != nil && !slices.Equal(want.Templates, got.Templates) {
		all = append(all, fmt.Sprintf("the templates are %s, want %s", show(got.Templates), show(want.Templates)))
	}
	for _, part := range want.Warnings {
		if !slices.ContainsFunc(result.Warnings, func(w string) bool { return strings.Contains(w, part) }) {
			all = append(all, fmt.Sprintf("no warning has %q in it, there are %q", part, result.Warnings))
		}
	}
	return all
}
