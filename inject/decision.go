package inject

import "fmt"

// A Verdict is what happens to a pod. The zero value is not a verdict.
type Verdict string

// The three verdicts.
const (
	Inject Verdict = "inject"
	Skip   Verdict = "skip"
	Deny   Verdict = "deny"
)

// A Reason says why, in one constant string that is the same in the log line,
// the metric label, the audit annotation, the event, the command line and the
// documentation.
type Reason string

// Every reason there is. What each looks at is in the table at [Injector.Decide];
// those from UnknownTemplate on are found while a pod is injected.
const (
	HostNetwork         Reason = "host-network"
	SystemNamespace     Reason = "system-namespace"
	MirrorPod           Reason = "mirror-pod"
	Windows             Reason = "windows"
	PodLabel            Reason = "pod-label"
	PodAnnotation       Reason = "pod-annotation"
	OwnerKind           Reason = "owner-kind"
	NeverSelector       Reason = "never-selector"
	AlwaysSelector      Reason = "always-selector"
	Policy              Reason = "policy"
	NamespaceNotEnabled Reason = "namespace-not-enabled"
	UnknownTemplate     Reason = "unknown-template"
	TemplateBroken      Reason = "template-broken"
	BadAnnotation       Reason = "bad-annotation"
	Conflict            Reason = "conflict"
	Fault               Reason = "fault"
)

// A Decision says what happens to a pod, why, and how that was found.
// "This pod opts out" is a decision; "this template does not render" is an error.
type Decision struct {
	Verdict Verdict `json:"verdict"`
	Reason  Reason  `json:"reason"`
	// Sentence is the reason for people: this pod's values in it, no full stop.
	Sentence string `json:"sentence"`
	// Templates are the names of the templates laid over the pod, in order,
	// aliases resolved. Empty unless the verdict is Inject.
	Templates []string `json:"templates,omitempty"`
	// Trace lists every rule that was looked at, in order; the last one decided.
	Trace []Step `json:"trace"`
}

// note adds to the trace what was found after the decision, on the way.
func (d *Decision) note(format string, args ...any) {
	d.Trace = append(d.Trace, Step{Rule: d.Reason, Input: fmt.Sprintf(format, args...), Outcome: d.Verdict})
}

// A Step is one rule that was looked at.
type Step struct {
	// Rule is the rule's name: the reason that it would give.
	Rule Reason `json:"rule"`
	// Input is what the rule looked at, as a person would write it.
	Input string `json:"input"`
	// Outcome is the verdict where the rule decided, and "" where it passed the
	// pod on to the next.
	Outcome Verdict `json:"outcome,omitempty"`
}
