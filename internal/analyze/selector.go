package analyze

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"outrigger.dev/outrigger/inject"
	"outrigger.dev/outrigger/internal/dryrun"
)

// nobody is a name, and a value, that no selector speaks of.
const nobody = "outrigger-analyze"

// maxKinds bounds how many combinations of labels are tried on one side. Past it only
// the labels of injection are combined, which all injectors' selectors are made of.
const maxKinds = 20_000

// A hook is an entry that injects.
type hook struct {
	admissionv1.MutatingWebhook
	configuration string
}

// hooks are the entries of configurations, without those that a canary alone calls.
func hooks(all []admissionv1.MutatingWebhookConfiguration) (out []hook) {
	for _, c := range all {
		for _, w := range c.Webhooks {
			if isInjector(c) && !strings.HasPrefix(w.Name, "canary.") {
				out = append(out, hook{w, c.Name})
			}
		}
	}
	return out
}

// A labelling is labels of namespaces, or of pods, that selectors cannot tell from
// others: one stands for all that the same hooks select.
type labelling struct {
	labels.Set
	// selected says of each hook whether it selects them.
	selected []bool
}

// labellings combines all that selectors speak of: each of their labels absent, with each
// of the values that they name, and with another one. There is one labelling for each
// choice of hooks, with as few labels as may be.
func labellings(all []hook, of func(hook) *metav1.LabelSelector) []labelling {
	var selectors []labels.Selector
	for _, h := range all {
		selector, err := metav1.LabelSelectorAsSelector(orEverything(of(h)))
		if err != nil {
			selector = labels.Nothing()
		}
		selectors = append(selectors, selector)
	}
	var out []labelling
	known := map[string]bool{}
	for _, set := range combined(valuesOf(selectors)) {
		l := labelling{Set: set, selected: make([]bool, len(all))}
		for i, selector := range selectors {
			l.selected[i] = selector.Matches(set)
		}
		if id := fmt.Sprint(l.selected); !known[id] {
			known[id] = true
			out = append(out, l)
		}
	}
	return out
}

func orEverything(s *metav1.LabelSelector) *metav1.LabelSelector {
	if s == nil {
		return &metav1.LabelSelector{}
	}
	return s
}

func ofNamespace(h hook) *metav1.LabelSelector { return h.NamespaceSelector }
func ofPod(h hook) *metav1.LabelSelector       { return h.ObjectSelector }

// valuesOf are the labels that selectors speak of, and the values.
func valuesOf(selectors []labels.Selector) map[string][]string {
	values := map[string][]string{}
	for _, selector := range selectors {
		requirements, _ := selector.Requirements()
		for _, r := range requirements {
			values[r.Key()] = append(values[r.Key()], r.Values().UnsortedList()...)
		}
	}
	size := 1
	for key, all := range values {
		slices.Sort(all)
		values[key] = slices.Compact(all)
		size *= len(values[key]) + 2
		if size > maxKinds {
			maps.DeleteFunc(values, func(key string, _ []string) bool {
				return key != inject.NamespaceLabel && key != inject.RevisionLabel && key != inject.InjectKey
			})
			return values
		}
	}
	return values
}

// combined are all sets of labels with these values, those with the fewest first.
func combined(values map[string][]string) []labels.Set {
	sets := []labels.Set{{}}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		for _, set := range slices.Clone(sets) {
			for _, value := range append(slices.Clone(values[key]), nobody) {
				sets = append(sets, labels.Merge(set, labels.Set{key: value}))
			}
		}
	}
	slices.SortStableFunc(sets, func(a, b labels.Set) int { return len(a) - len(b) })
	return sets
}

// overlapping holds every kind of pod against every kind of namespace that selectors tell
// apart, and finds configurations that would both be called.
func overlapping(s *Scene) ([]Finding, error) {
	var all []Finding
	found := map[string]bool{}
	entries := hooks(settledOnly(s.Webhooks.List))
	pods := labellings(entries, ofPod)
	for _, namespace := range labellings(entries, ofNamespace) {
		for _, pod := range pods {
			if !meet(entries, namespace, pod) {
				continue
			}
			names := s.both(entries, namespace.Set, pod.Set)
			if len(names) < 2 || found[strings.Join(names, " ")] {
				continue
			}
			found[strings.Join(names, " ")] = true
			all = append(all, Finding{
				Object: Subject{APIVersion: "admissionregistration.k8s.io/v1", Kind: "MutatingWebhookConfiguration", Name: names[0]},
				Message: fmt.Sprintf("a pod with %s in a namespace with %s is injected by this and by %s",
					said(pod.Set), said(namespace.Set), strings.Join(names[1:], ", ")),
				Fix: fmt.Sprintf("kubectl get mutatingwebhookconfigurations %s -o yaml, and uninstall the one that is left over", strings.Join(names, " ")),
			})
		}
	}
	return all, nil
}

// meet says whether two configurations select a pod in a namespace.
func meet(entries []hook, namespace, pod labelling) bool {
	first := ""
	for i, h := range entries {
		if !namespace.selected[i] || !pod.selected[i] {
			continue
		}
		if first == "" {
			first = h.configuration
		}
		if h.configuration != first {
			return true
		}
	}
	return false
}

// both are the configurations of entries that are called about such a pod.
func (s *Scene) both(entries []hook, namespace, pod labels.Set) []string {
	name := namespace[corev1.LabelMetadataName]
	if name == "" {
		name = nobody
	}
	call := s.matcher.Match(context.Background(), s.Webhooks, &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Labels: pod}},
		inject.Namespace{Name: name, Labels: namespace})
	var names []string
	for _, e := range append(call.Entries, call.Others...) {
		injects := slices.ContainsFunc(entries, func(h hook) bool { return h.configuration == e.Configuration && h.Name == e.Name })
		if e.Calls && injects && !slices.Contains(names, e.Configuration) {
			names = append(names, e.Configuration)
		}
	}
	slices.Sort(names)
	return names
}

// said is a set of labels for people.
func said(set labels.Set) string {
	set = labels.Merge(set, nil)
	delete(set, corev1.LabelMetadataName)
	if len(set) == 0 {
		return "no label"
	}
	return set.String()
}

// tooWide finds injectors that are called about pods in the namespaces that a cluster
// starts with, or in their own.
func tooWide(s *Scene) ([]Finding, error) {
	var all []Finding
	for _, c := range s.ours() {
		own := []string{metav1.NamespaceSystem}
		for _, w := range c.Webhooks {
			if service := w.ClientConfig.Service; service != nil && !slices.Contains(own, service.Namespace) {
				own = append(own, service.Namespace)
			}
		}
		for _, namespace := range own {
			if entry := s.calledAnyway(c, namespace); entry != "" {
				all = append(all, Finding{
					Object:  subjectOf(c),
					Message: fmt.Sprintf("%s is called about pods of namespace %s, which then cannot start while no injector answers", entry, namespace),
					Fix:     "outrigger install, which puts the selectors back",
				})
			}
		}
	}
	return all, nil
}

// calledAnyway is an entry that is called in a namespace, whatever it and the pod are
// labelled with.
func (s *Scene) calledAnyway(c admissionv1.MutatingWebhookConfiguration, namespace string) string {
	list := []admissionv1.MutatingWebhookConfiguration{c}
	alone := dryrun.Configurations{List: list, Revision: c.Labels[revisionOwner], From: s.Webhooks.From}
	pods := labellings(hooks(list), ofPod)
	for _, ns := range labellings(hooks(list), ofNamespace) {
		for _, pod := range pods {
			call := s.matcher.Match(context.Background(), alone, &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Labels: pod.Set}},
				inject.Namespace{Name: namespace, Labels: ns.Set})
			if call.Called && !strings.HasPrefix(call.By, c.Name+"/canary.") {
				return strings.TrimPrefix(call.By, c.Name+"/")
			}
		}
	}
	return ""
}
