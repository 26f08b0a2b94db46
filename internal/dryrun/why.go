package dryrun

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"outrigger.dev/outrigger/inject"
)

// why is the clause that says why no entry calls. The entry that came furthest has
// the reason, unless it is that nothing is labelled at all.
func (c Call) why(ns inject.Namespace, pod *corev1.Pod, revision string) string {
	if len(c.Entries) == 0 {
		return fmt.Sprintf("there is no webhook configuration of revision %q", revision)
	}
	furthest := c.furthest()
	last := furthest.Conditions[len(furthest.Conditions)-1]
	if refuses := furthest.refuses(); refuses != "" {
		return refuses
	}
	if last.Error != "" {
		return fmt.Sprintf("%s of %s cannot be evaluated: %s", last.Field, furthest.id(), last.Error)
	}
	switch {
	case strings.HasPrefix(last.Field, "matchConditions"):
		return fmt.Sprintf("%s of %s is false", last.Field, furthest.id())
	case last.Field == "rules":
		return fmt.Sprintf("the rules of %s do not ask for pods", furthest.id())
	case pod.Labels[nameLabel] == ownName:
		return "the pod is labelled as the injector's own"
	case c.excludes(ns.Name):
		return fmt.Sprintf("namespace %q is never injected", ns.Name)
	case last.Field == "objectSelector" && pod.Labels[inject.InjectKey] == "false":
		return fmt.Sprintf("the pod's label %s is %q", inject.InjectKey, "false")
	}
	return notLabelled(ns, revision, last)
}

// furthest is the entry that the most conditions of hold.
func (c Call) furthest() Entry {
	best := c.Entries[0]
	for _, e := range c.Entries[1:] {
		if len(e.Conditions) > len(best.Conditions) {
			best = e
		}
	}
	return best
}

// excludes says whether every entry names the namespace as one that it leaves out.
func (c Call) excludes(name string) bool {
	for _, e := range c.Entries {
		_, names, found := strings.Cut(e.Conditions[0].Wants, corev1.LabelMetadataName+" notin (")
		names, _, _ = strings.Cut(names, ")")
		if !found || !strings.Contains(","+names+",", ","+name+",") {
			return false
		}
	}
	return true
}

// notLabelled says which label of the namespace is missing.
func notLabelled(ns inject.Namespace, revision string, last Condition) string {
	wanted := inject.RevisionLabel + "=" + revision
	if revision == "default" {
		wanted = inject.NamespaceLabel + "=enabled"
	}
	var labelled []string
	for _, key := range []string{inject.NamespaceLabel, inject.RevisionLabel} {
		if value, ok := ns.Labels[key]; ok {
			labelled = append(labelled, key+"="+value)
		}
	}
	have := strings.Join(labelled, " and ")
	switch {
	case have == wanted:
		return fmt.Sprintf("%s wants %s, and there is %s", last.Field, last.Wants, last.Has)
	case len(labelled) == 0:
		return fmt.Sprintf("namespace %q is not labelled %s", ns.Name, wanted)
	case len(labelled) == 2 && revision != "default":
		wanted += " alone"
	}
	return fmt.Sprintf("namespace %q is labelled %s, not %s", ns.Name, have, wanted)
}

// reason is the one for a pod that is not asked about, where Outrigger itself would
// have none to skip it.
func (c Call) reason(ns inject.Namespace, pod *corev1.Pod) inject.Reason {
	if len(c.Entries) == 0 {
		return inject.NamespaceNotEnabled
	}
	furthest := c.furthest()
	last := furthest.Conditions[len(furthest.Conditions)-1]
	switch {
	case last.Error != "":
		return inject.Fault
	case strings.HasPrefix(last.Field, "matchConditions"), last.Field == "rules", pod.Labels[nameLabel] == ownName:
		return inject.Policy
	case c.excludes(ns.Name):
		return inject.SystemNamespace
	case last.Field == "objectSelector" && pod.Labels[inject.InjectKey] == "false":
		return inject.PodLabel
	}
	return inject.NamespaceNotEnabled
}
