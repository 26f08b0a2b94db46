package missing

import (
	"fmt"
	"slices"
	"strings"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"outrigger.dev/outrigger/inject"
)

// Webhooks are the entries of webhook configurations that ask about new pods.
type Webhooks struct {
	entries []entry
	unread  []string
}

// An entry is whom one entry selects.
type entry struct {
	name           string
	namespace, pod labels.Selector
	// excludes are its match conditions, each true of a pod that it keeps away.
	excludes []func(*corev1.Pod) bool
}

// conditions are the match conditions of the chart, by name. Those that are nil keep
// away what is decided to be skipped anyway.
var conditions = map[string]func(*corev1.Pod) bool{
	"exclude-mirror":             nil,
	"exclude-host-network":       nil,
	"exclude-windows":            nil,
	"exclude-annotation-opt-out": nil,
	"exclude-critical": func(pod *corev1.Pod) bool {
		return slices.Contains([]string{"system-cluster-critical", "system-node-critical"}, pod.Spec.PriorityClassName)
	},
}

// ReadWebhooks reads webhook configurations as they are stored.
func ReadWebhooks(configurations ...admissionv1.MutatingWebhookConfiguration) (Webhooks, error) {
	var w Webhooks
	for _, c := range configurations {
		for _, webhook := range c.Webhooks {
			if !asksAboutPods(webhook) {
				continue
			}
			e, err := w.read(webhook)
			if err != nil {
				return Webhooks{}, fmt.Errorf("webhook configuration %q: entry %q: %w", c.Name, webhook.Name, err)
			}
			short, _, _ := strings.Cut(webhook.Name, ".")
			e.name = c.Name + "/" + short
			w.entries = append(w.entries, e)
		}
	}
	slices.Sort(w.unread)
	w.unread = slices.Compact(w.unread)
	return w, nil
}

// asksAboutPods says whether an entry is there to have pods injected: the canary's is not.
func asksAboutPods(w admissionv1.MutatingWebhook) bool {
	return !strings.HasPrefix(w.Name, "canary.") && slices.ContainsFunc(w.Rules, func(r admissionv1.RuleWithOperations) bool {
		create := slices.Contains(r.Operations, admissionv1.Create) || slices.Contains(r.Operations, admissionv1.OperationAll)
		return create && (slices.Contains(r.Resources, "pods") || slices.Contains(r.Resources, "*"))
	})
}

func (w *Webhooks) read(webhook admissionv1.MutatingWebhook) (e entry, err error) {
	if e.namespace, err = metav1.LabelSelectorAsSelector(orEverything(webhook.NamespaceSelector)); err != nil {
		return entry{}, fmt.Errorf("namespaceSelector: %w", err)
	}
	if e.pod, err = metav1.LabelSelectorAsSelector(orEverything(webhook.ObjectSelector)); err != nil {
		return entry{}, fmt.Errorf("objectSelector: %w", err)
	}
	for _, c := range webhook.MatchConditions {
		excludes, known := conditions[c.Name]
		switch {
		case !known:
			w.unread = append(w.unread, c.Name)
		case excludes != nil:
			e.excludes = append(e.excludes, excludes)
		}
	}
	return e, nil
}

// orEverything is a selector, where nil is one that selects all.
func orEverything(s *metav1.LabelSelector) *metav1.LabelSelector {
	if s == nil {
		return &metav1.LabelSelector{}
	}
	return s
}

// Call is the first entry, as CONFIGURATION/ENTRY, that has the API server call for a
// new pod of the namespace; false where none does.
func (w Webhooks) Call(pod *corev1.Pod, ns inject.Namespace) (name string, called bool) {
	namespace := labels.Merge(ns.Labels, labels.Set{corev1.LabelMetadataName: ns.Name})
	for _, e := range w.entries {
		if e.namespace.Matches(namespace) && e.pod.Matches(labels.Set(pod.Labels)) && !e.keepsAway(pod) {
			return e.name, true
		}
	}
	return "", false
}

func (e entry) keepsAway(pod *corev1.Pod) bool {
	return slices.ContainsFunc(e.excludes, func(excludes func(*corev1.Pod) bool) bool { return excludes(pod) })
}

// Unread are the names of match conditions that are not the chart's, sorted: they are
// taken to hold for every pod.
func (w Webhooks) Unread() []string { return w.unread }
