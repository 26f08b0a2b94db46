package analyze

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"outrigger.dev/outrigger/inject"
)

// Values of [inject.NamespaceLabel].
const (
	enabled  = "enabled"
	disabled = "disabled"
)

// notInjected finds namespaces with pods that nobody is asked about, where neither the
// namespace nor any of the pods has said so.
func notInjected(s *Scene) ([]Finding, error) {
	var all []Finding
	for _, o := range s.kind("Namespace") {
		_, says := o.Labels[inject.NamespaceLabel]
		_, revised := o.Labels[inject.RevisionLabel]
		quiet, count := s.quiet(o.Name)
		if says || revised || count == 0 || !quiet {
			continue
		}
		all = append(all, Finding{
			Object:  o.Subject,
			Message: fmt.Sprintf("has no label %s: %s without sidecars", inject.NamespaceLabel, counted(count, "workload")),
			Fix:     fmt.Sprintf("kubectl label namespace %s %s=%s", o.Name, inject.NamespaceLabel, enabled),
		})
	}
	return all, nil
}

// quiet counts the workloads of a namespace, and says whether the only reason that they
// have no sidecar is that nobody asked for one.
func (s *Scene) quiet(namespace string) (quiet bool, workloads int) {
	owners := map[string]bool{}
	for _, p := range s.pods {
		if p.Namespace != namespace {
			continue
		}
		_, says := p.Before.Labels[inject.InjectKey]
		if p.Injected() || says || p.Before.Labels[inject.RevisionLabel] != "" || unwanted(p.Result.Decision.Reason) || s.own(p) {
			continue
		}
		owners[p.Owner().String()] = true
	}
	return len(owners) > 0, len(owners)
}

// unwanted are reasons that no label of a namespace changes.
func unwanted(r inject.Reason) bool {
	return slices.Contains([]inject.Reason{inject.HostNetwork, inject.SystemNamespace, inject.MirrorPod, inject.Windows, inject.PodLabel, inject.PodAnnotation, inject.NeverSelector}, r)
}

// own says whether a pod is an injector's.
func (s *Scene) own(p Pod) bool {
	return p.Before.Labels[nameLabel] == ownName || p.Before.Labels["app"] == "istiod"
}

// contradictory finds namespaces with both labels. istio-injection has the say
// (reference: the selectors of Istio's webhooks).
func contradictory(s *Scene) ([]Finding, error) {
	var all []Finding
	for _, o := range s.kind("Namespace") {
		value, says := o.Labels[inject.NamespaceLabel]
		revision, revised := o.Labels[inject.RevisionLabel]
		if !says || !revised {
			continue
		}
		all = append(all, Finding{
			Object:  o.Subject,
			Message: fmt.Sprintf("%s=%s has no effect, since %s=%s goes before it", inject.RevisionLabel, revision, inject.NamespaceLabel, value),
			Fix:     fmt.Sprintf("kubectl label namespace %s %s-", o.Name, inject.NamespaceLabel),
		})
	}
	return all, nil
}

// labelValue finds values of the label that are neither enabled nor disabled: they mean
// disabled, whatever they say.
func labelValue(s *Scene) ([]Finding, error) {
	var all []Finding
	for _, o := range s.kind("Namespace") {
		value, says := o.Labels[inject.NamespaceLabel]
		if !says || value == enabled || value == disabled {
			continue
		}
		all = append(all, Finding{
			Object:  o.Subject,
			Message: fmt.Sprintf("%s=%s means %s: want %s or %s", inject.NamespaceLabel, value, disabled, enabled, disabled),
			Fix:     fmt.Sprintf("kubectl label namespace %s %s=%s --overwrite", o.Name, inject.NamespaceLabel, enabled),
		})
	}
	return all, nil
}

// unknownRevision finds namespaces that ask for a revision and get no sidecars, since no
// injector, Outrigger or another, is called about a plain pod in them. What is not live
// says nothing about the webhooks that there are.
func unknownRevision(s *Scene) ([]Finding, error) {
	if s.Webhooks.From != "live" {
		return nil, nil
	}
	var all []Finding
	for _, o := range s.kind("Namespace") {
		revision := o.Labels[inject.RevisionLabel]
		if _, says := o.Labels[inject.NamespaceLabel]; says || revision == "" {
			continue
		}
		if s.anyInjector(o.Name, &corev1.Pod{}) {
			continue
		}
		all = append(all, Finding{
			Object:  o.Subject,
			Message: fmt.Sprintf("no webhook serves the revision %q; there are: %s", revision, strings.Join(s.revisions(), ", ")),
			Fix:     s.fixRevision(o.Name, revision),
		})
	}
	return all, nil
}

// fixRevision is what to do about a namespace that asks for a revision which is not there.
func (s *Scene) fixRevision(namespace, wanted string) string {
	if there := s.Revisions(); len(there) > 0 {
		return fmt.Sprintf("kubectl label namespace %s %s=%s --overwrite", namespace, inject.RevisionLabel, there[0])
	}
	return "outrigger install --set revision=" + wanted
}

// exempted finds namespaces that ask for sidecars, and are left out by every webhook that
// there is: a selector of somebody's has more in it than the installation's.
func exempted(s *Scene) ([]Finding, error) {
	if s.Webhooks.From != "live" || len(s.Revisions()) == 0 {
		return nil, nil
	}
	var all []Finding
	for _, o := range s.kind("Namespace") {
		if o.Labels[inject.NamespaceLabel] != enabled || s.anyInjector(o.Name, &corev1.Pod{}) {
			continue
		}
		all = append(all, Finding{
			Object:  o.Subject,
			Message: fmt.Sprintf("%s=%s has no effect: %s", inject.NamespaceLabel, enabled, s.whyNot(o.Name)),
			Fix:     "outrigger install, which puts the selectors back, or outrigger tag set default for another revision",
		})
	}
	return all, nil
}

// whyNot is why no webhook is called about a plain pod in a namespace.
func (s *Scene) whyNot(namespace string) string {
	return s.matcher.Match(context.Background(), s.switchedOn(), &corev1.Pod{}, s.namespace(namespace)).Why
}

// counted is a number of things: "1 workload", "2 workloads".
func counted(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
