package dryrun

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/plugin/webhook/predicates/rules"

	"outrigger.dev/outrigger/inject"
)

// Labels by which the configurations of an installation are known.
const (
	nameLabel     = "app.kubernetes.io/name"
	ownName       = "outrigger-injector"
	revisionOwner = "outrigger.dev/revision"
)

// A Matcher says which webhooks the API server would call about a pod, by their
// configurations. The zero value is ready; safe for concurrent use.
type Matcher struct{ conditions conditions }

// Configurations are webhook configurations, and whose they are.
type Configurations struct {
	List []admissionv1.MutatingWebhookConfiguration
	// From is as in [Call].
	From string
	// Revision is the installation's that is asked about.
	Revision string
}

// ours says whether a configuration belongs to the installation that is asked about.
func (c Configurations) ours(configuration admissionv1.MutatingWebhookConfiguration) bool {
	return configuration.Labels[nameLabel] == ownName && configuration.Labels[revisionOwner] == c.Revision
}

// ordered are the entries of all configurations as the API server calls them: by
// the configurations' names, and then as they stand there.
func (c Configurations) ordered() []admissionv1.MutatingWebhookConfiguration {
	return slices.SortedFunc(slices.Values(c.List), func(a, b admissionv1.MutatingWebhookConfiguration) int {
		return cmp.Compare(a.Name, b.Name)
	})
}

// Match says whether Outrigger would be called about a pod that is created in a
// namespace, and who else is. The labels of a namespace that is unknown are not
// looked at: it counts as a call.
func (m *Matcher) Match(ctx context.Context, c Configurations, pod *corev1.Pod, ns inject.Namespace) Call {
	call := Call{From: c.From}
	if ns.Unknown {
		return Call{From: "assumed", Called: true}
	}
	s := target{
		pod: labels.Set(pod.Labels), request: creation(pod, ns.Name),
		namespace: labels.Merge(ns.Labels, labels.Set{corev1.LabelMetadataName: ns.Name}),
	}
	order := 0
	for _, configuration := range c.ordered() {
		ours := c.ours(configuration)
		for _, hook := range configuration.Webhooks {
			order++
			entry := m.entry(ctx, hook, s)
			entry.Configuration, entry.Order = configuration.Name, order
			switch {
			case ours:
				call.Entries = append(call.Entries, entry)
				if entry.Calls && !call.Called {
					call.Called, call.By = true, entry.id()
				}
			case entry.Calls:
				call.Others = append(call.Others, entry)
			}
		}
	}
	if !call.Called {
		call.Why = call.why(ns, pod, c.Revision)
	}
	return call
}

func (e Entry) id() string { return e.Configuration + "/" + e.Name }

// A target is what entries are held against.
type target struct {
	namespace, pod labels.Set
	request        *admission.VersionedAttributes
}

// entry holds an entry against a pod, in the order of ShouldCallHook in the API
// server's pkg/admission/plugin/webhook/generic: selectors, rules, conditions.
func (m *Matcher) entry(ctx context.Context, hook admissionv1.MutatingWebhook, s target) Entry {
	e := Entry{
		Name: hook.Name, FailurePolicy: text(hook.FailurePolicy), ReinvocationPolicy: text(hook.ReinvocationPolicy),
	}
	if hook.TimeoutSeconds != nil {
		e.TimeoutSeconds = *hook.TimeoutSeconds
	}
	e.Conditions = append(e.Conditions, selected("namespaceSelector", hook.NamespaceSelector, s.namespace))
	if e.hold() {
		e.Conditions = append(e.Conditions, selected("objectSelector", hook.ObjectSelector, s.pod))
	}
	if e.hold() {
		e.Conditions = append(e.Conditions, ruled(hook.Rules, s.request))
	}
	if e.hold() {
		e.Conditions = append(e.Conditions, m.conditioned(ctx, hook.MatchConditions, s.request)...)
	}
	e.Calls = e.hold()
	return e
}

// conditioned holds a pod against match conditions. The API server evaluates all of
// them: one that is false says no, whatever errors the others have.
func (m *Matcher) conditioned(ctx context.Context, all []admissionv1.MatchCondition, request *admission.VersionedAttributes) []Condition {
	var out []Condition
	for _, condition := range all {
		holds, err := m.conditions.evaluate(ctx, condition, request)
		c := Condition{Field: "matchConditions[" + condition.Name + "]", Wants: condition.Expression, Holds: holds}
		switch {
		case errors.Is(err, errNoUser):
			c.Has = err.Error()
		case err != nil:
			c.Error = err.Error()
		case !holds:
			c.Has = "false"
			return append(dropErrors(out), c)
		default:
			c.Has = "true"
		}
		out = append(out, c)
	}
	return out
}

// dropErrors forgets errors that a false condition makes irrelevant.
func dropErrors(all []Condition) []Condition {
	return slices.DeleteFunc(all, func(c Condition) bool { return c.Error != "" })
}

func (e Entry) hold() bool {
	return !slices.ContainsFunc(e.Conditions, func(c Condition) bool { return !c.Holds })
}

// refuses says why an entry refuses a pod without calling; "" as a rule.
func (e Entry) refuses() string {
	for _, c := range e.Conditions {
		if c.Error != "" && e.FailurePolicy != string(admissionv1.Ignore) {
			return fmt.Sprintf("%s of %s cannot be evaluated, and failurePolicy is Fail: %s", c.Field, e.id(), c.Error)
		}
	}
	return ""
}

// selected holds labels against a selector. A selector that does not parse is an
// error that the API server, too, leaves to failurePolicy.
func selected(field string, selector *metav1.LabelSelector, has labels.Set) Condition {
	c := Condition{Field: field}
	if selector == nil {
		selector = &metav1.LabelSelector{}
	}
	parsed, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil {
		c.Wants, c.Error = metav1.FormatLabelSelector(selector), err.Error()
		return c
	}
	c.Wants, c.Holds = cmp.Or(parsed.String(), "anything"), parsed.Matches(has)
	requirements, _ := parsed.Requirements()
	var all []string
	for _, requirement := range requirements {
		part := requirement.Key() + " absent"
		if value, ok := has[requirement.Key()]; ok {
			part = requirement.Key() + "=" + value
		}
		if !slices.Contains(all, part) {
			all = append(all, part)
		}
		if c.fails == "" && !requirement.Matches(has) {
			c.fails = fmt.Sprintf("%s wants %s: %s", field, requirement.String(), part)
		}
	}
	c.Has = strings.Join(all, ", ")
	return c
}

// ruled says whether rules ask for the creation of pods.
func ruled(all []admissionv1.RuleWithOperations, request *admission.VersionedAttributes) Condition {
	c := Condition{Field: "rules", Has: "CREATE v1 pods"}
	var wants []string
	for _, rule := range all {
		matcher := rules.Matcher{Rule: rule, Attr: request.Attributes}
		c.Holds = c.Holds || matcher.Matches()
		operations := make([]string, len(rule.Operations))
		for i, operation := range rule.Operations {
			operations[i] = string(operation)
		}
		wants = append(wants, strings.Join(operations, ",")+" "+strings.Join(rule.APIVersions, ",")+" "+strings.Join(rule.Resources, ","))
	}
	c.Wants = strings.Join(wants, "; ")
	return c
}

func text[T ~string](value *T) string {
	if value == nil {
		return ""
	}
	return string(*value)
}
