package dryrun

import (
	"encoding/json"

	"outrigger.dev/outrigger/inject"
)

// The version and kind of an [Answer]. Within v1 fields are added and never
// change their meaning: a reader has to ignore those that it does not know.
const (
	APIVersion = "dryrun.outrigger.dev/v1"
	AnswerKind = "Answer"
)

// An Answer says of every pod of a manifest what would become of it, and why.
type Answer struct {
	// APIVersion is "dryrun.outrigger.dev/v1" and Kind "Answer".
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	// Configuration is what it was decided by.
	Configuration Configuration `json:"configuration"`
	// Pods are in the order of the input: one for each manifest that has a pod.
	Pods []Pod `json:"pods"`
	// Others are the manifests without a pod, which injection leaves alone.
	Others []Manifest `json:"others,omitempty"`
	// Warnings are about the question as a whole: keys that occur twice, what
	// could not be looked up.
	Warnings []string `json:"warnings,omitempty"`
	// Timings are the steps before the first pod.
	Timings []Timing `json:"timings"`
}

// A Configuration is the one that a dry run was decided by.
type Configuration struct {
	// Hash identifies it: 12 hexadecimal digits.
	Hash string `json:"hash"`
	// Revision is what is stamped on pods.
	Revision string `json:"revision"`
	// From names where it was read, and Since when it came into force (RFC 3339);
	// "" where that is not known.
	From  string `json:"from,omitempty"`
	Since string `json:"since,omitempty"`
	// Assumed lists what the question had otherwise than the server: "revision",
	// "nativeSidecars", "kubernetesVersion", "path".
	Assumed []string `json:"assumed,omitempty"`
}

// A Manifest is one of the input.
type Manifest struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Namespace  string `json:"namespace,omitempty"`
	// Name is the generateName, ending in a dash, of a pod without a name.
	Name string `json:"name,omitempty"`
	// Document counts the input's documents from 1, Line its lines: where the
	// document begins.
	Document int `json:"document"`
	Line     int `json:"line"`
	// Pointer is the JSON Pointer of the pod from the document's root; "" where
	// the document is the pod.
	Pointer string `json:"pointer,omitempty"`
}

// A Pod is what would become of the pods of one manifest.
type Pod struct {
	Manifest  Manifest  `json:"manifest"`
	Namespace Namespace `json:"namespace"`
	// Owner is the workload that the configuration's ownerKinds look at.
	Owner Owner `json:"owner"`
	// Outcome is the answer in short: both stages together.
	Outcome Outcome `json:"outcome"`
	// Trace has every rule that was looked at, in order: the API server's, then
	// Outrigger's. One step is marked as deciding.
	Trace []Step `json:"trace"`
	// Call is whether the API server would call the webhook, by every entry.
	Call Call `json:"call"`
	// Decision is what Outrigger says when it is called, whether it would be or not.
	Decision inject.Decision `json:"decision"`
	// Templates are those laid over the pod, in order.
	Templates []Template `json:"templates,omitempty"`
	// Native says whether the sidecar is a native one; nil for a pod without.
	Native *Native `json:"native,omitempty"`
	// Warnings are what "kubectl apply" would print.
	Warnings []string `json:"warnings,omitempty"`
	// Fault is why Outrigger fails at this pod; "" as a rule.
	Fault string `json:"fault,omitempty"`

	// Before and After are the pod, without and with what injection does to it;
	// both are the same where the outcome is not inject.
	Before json.RawMessage `json:"before"`
	After  json.RawMessage `json:"after"`
	// Patch is the JSON Patch (RFC 6902) from Before to After.
	Patch []Operation `json:"patch"`
	// Injected is the manifest as YAML with the pod injected, and Diff the unified
	// diff to it; "" where nothing changes.
	Injected string `json:"injected,omitempty"`
	Diff     string `json:"diff,omitempty"`
	// Origins say of all that differs between Before and After who set it.
	Origins []Origin `json:"origins,omitempty"`
	// StartOrder is in which order containers start, before and after.
	StartOrder StartOrder `json:"startOrder"`
	// Checks are what admission says to the pod after Outrigger.
	Checks []Check `json:"checks,omitempty"`

	Timings []Timing `json:"timings"`
}

// An Outcome is what happens to a pod when it is created.
type Outcome struct {
	// Verdict is "inject", "skip", "deny" or "fault".
	Verdict string `json:"verdict"`
	// Reason is one of inject's constants, whoever decided.
	Reason inject.Reason `json:"reason"`
	// Sentence is the reason for people, without a full stop.
	Sentence string `json:"sentence"`
	// By says who decided: "api-server", which does not call, or "outrigger".
	By string `json:"by"`
}

// A Step is one rule that was looked at.
type Step struct {
	// Stage is "api-server" or "outrigger".
	Stage string `json:"stage"`
	// Rule is what was looked at: an entry of a webhook configuration, or a rule's
	// name, which is the reason that it would give.
	Rule string `json:"rule"`
	// Input is what the rule looked at, as a person would write it.
	Input string `json:"input"`
	// Outcome is "call" or "pass" for the API server, and for Outrigger a verdict,
	// or "pass" where the rule has no opinion.
	Outcome string `json:"outcome"`
	// Deciding marks the step that the pod's outcome comes from.
	Deciding bool `json:"deciding,omitempty"`
}

// A Template is one that is laid over the pod.
type Template struct {
	Name string `json:"name"`
	// Why is what chose it: the configuration's defaultTemplates, the pod's
	// annotation, or an alias that one of them names.
	Why string `json:"why"`
	// Source is "built-in" or "configuration".
	Source string `json:"source"`
}

// Native says whether a pod's sidecar is a native one.
type Native struct {
	Sidecar bool   `json:"sidecar"`
	Why     string `json:"why"`
}

// An Owner is the workload that a pod belongs to.
type Owner struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Name       string `json:"name,omitempty"`
}

// A Namespace is what was known of the pod's namespace.
type Namespace struct {
	Name        string            `json:"name"`
	Labels      map[string]string `json:"labels,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
	// From is "live" (looked up), "given" (by the question), "missing" (there is
	// none of that name: it counts as without labels) or "unknown" (it could not
	// be looked up: it counts as enabled).
	From string `json:"from"`
}

// An Operation is one of a JSON Patch.
type Operation struct {
	// Op is "add", "replace" or "remove".
	Op   string `json:"op"`
	Path string `json:"path"`
	// Value is absent for "remove".
	Value json.RawMessage `json:"value,omitempty"`
}

// An Origin says who set a value. It counts for all that is below the path and
// has no origin of its own.
type Origin struct {
	// Path is a JSON Pointer into the pod After; for what was removed, into Before.
	Path string `json:"path"`
	// By is "template NAME", or the name of the rule that set it, as
	// "probes".
	By string `json:"by"`
	// Op is "add", "replace" or "remove".
	Op string `json:"op"`
}

// A StartOrder is the containers of a pod in the order in which they start.
type StartOrder struct {
	Before []Container `json:"before"`
	After  []Container `json:"after"`
}

// A Container is one in the order of start.
type Container struct {
	Name string `json:"name"`
	// Kind is "init" (runs to its end before the next starts), "sidecar" (started
	// before the next, and runs on) or "container".
	Kind string `json:"kind"`
	// Injected says that injection added it.
	Injected bool `json:"injected,omitempty"`
	// Holds says that what comes after it waits until it is started up.
	Holds bool `json:"holds,omitempty"`
}

// A Check is what admission that runs after Outrigger would say to the pod.
type Check struct {
	// By is "pod-security", "limit-range" or "resource-quota".
	By string `json:"by"`
	// Name is the level ("enforce: restricted"), or the object's name.
	Name string `json:"name"`
	// Verdict is "ok", "warn" or "refuse", and "unknown" where it could not be found out.
	Verdict string `json:"verdict"`
	// Sentences say what is wrong; empty for "ok".
	Sentences []string `json:"sentences,omitempty"`
	// ByInjection says that the pod without the injection would pass.
	ByInjection bool `json:"byInjection,omitempty"`
}

// A Timing is how long a step took.
type Timing struct {
	Step    string  `json:"step"`
	Seconds float64 `json:"seconds"`
}
