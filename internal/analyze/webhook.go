package analyze

import (
	"context"
	"fmt"
	"slices"
	"strings"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"

	"outrigger.dev/outrigger/inject"
	"outrigger.dev/outrigger/internal/dryrun"
)

// Labels by which an installation and its parts are known.
const (
	nameLabel     = "app.kubernetes.io/name"
	ownName       = "outrigger-injector"
	revisionOwner = "outrigger.dev/revision"
	// istioApp is the label app of the configurations that istiod's charts make.
	istioApp = "sidecar-injector"
)

// isInjector says whether a configuration injects sidecars, ours or Istio's.
func isInjector(c admissionv1.MutatingWebhookConfiguration) bool {
	return isOurs(c) || c.Labels["app"] == istioApp
}

func isOurs(c admissionv1.MutatingWebhookConfiguration) bool { return c.Labels[nameLabel] == ownName }

// subjectOf is a webhook configuration as a finding's subject.
func subjectOf(c admissionv1.MutatingWebhookConfiguration) Subject {
	return Subject{APIVersion: "admissionregistration.k8s.io/v1", Kind: "MutatingWebhookConfiguration", Name: c.Name}
}

// Revisions are those of the installations that there are webhook configurations of: the
// default one first, then by name.
func (s *Scene) Revisions() []string {
	var all []string
	for _, c := range s.Webhooks.List {
		if isOurs(c) && c.Labels[revisionOwner] != "" {
			all = append(all, c.Labels[revisionOwner])
		}
	}
	slices.Sort(all)
	all = slices.Compact(all)
	if at := slices.Index(all, "default"); at > 0 {
		all = slices.Insert(slices.Delete(all, at, at+1), 0, "default")
	}
	return all
}

// revisions are what the injectors' configurations say that they serve.
func (s *Scene) revisions() []string {
	var all []string
	for _, c := range s.Webhooks.List {
		switch {
		case isOurs(c):
			all = append(all, c.Labels[revisionOwner])
		case isInjector(c):
			all = append(all, c.Labels[inject.RevisionLabel])
		}
	}
	slices.Sort(all)
	return slices.DeleteFunc(slices.Compact(all), func(r string) bool { return r == "" })
}

// callers are the injectors' entries that would be called about a pod in a namespace, if
// nothing were paused.
func (s *Scene) callers(namespace string, pod *corev1.Pod) []dryrun.Entry {
	call := s.matcher.Match(context.Background(), s.switchedOn(), pod, s.namespace(namespace))
	return slices.DeleteFunc(append(call.Entries, call.Others...), func(e dryrun.Entry) bool {
		return !e.Calls || !slices.ContainsFunc(s.Webhooks.List, func(c admissionv1.MutatingWebhookConfiguration) bool {
			return c.Name == e.Configuration && isInjector(c)
		})
	})
}

func (s *Scene) anyInjector(namespace string, pod *corev1.Pod) bool {
	return len(s.callers(namespace, pod)) > 0
}

// ours are our webhook configurations, where the cluster's are known.
func (s *Scene) ours() []admissionv1.MutatingWebhookConfiguration {
	if s.Webhooks.From != "live" {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(s.Webhooks.List), func(c admissionv1.MutatingWebhookConfiguration) bool { return !isOurs(c) })
}

// dangling finds configurations whose Service is not there.
func dangling(s *Scene) ([]Finding, error) {
	if !s.knowsAll("services") || s.Webhooks.From != "live" {
		return nil, nil
	}
	var all []Finding
	for _, c := range s.Webhooks.List {
		if !isInjector(c) {
			continue
		}
		for _, hook := range c.Webhooks {
			service := hook.ClientConfig.Service
			if service == nil || s.has("Service", service.Namespace, service.Name) {
				continue
			}
			all = append(all, Finding{
				Object:  subjectOf(c),
				Message: fmt.Sprintf("calls the Service %s/%s, which is not there", service.Namespace, service.Name),
				Fix:     "kubectl delete mutatingwebhookconfiguration " + c.Name,
			})
			break
		}
	}
	return all, nil
}

func (s *Scene) has(kind, namespace, name string) bool {
	return slices.ContainsFunc(s.Objects, func(o Object) bool {
		return o.Kind == kind && o.Namespace == namespace && o.Name == name
	})
}

// unanswered finds Services of webhooks for which nobody is ready to answer.
func unanswered(s *Scene) ([]Finding, error) {
	if !s.knowsAll("services") || !s.knowsAll("endpointslices") || s.Webhooks.From != "live" {
		return nil, nil
	}
	ready, err := s.readyServices()
	if err != nil {
		return nil, err
	}
	var all []Finding
	for _, c := range s.Webhooks.List {
		for _, w := range c.Webhooks {
			ref := w.ClientConfig.Service
			if !isInjector(c) || ref == nil || ready[ref.Namespace+"/"+ref.Name] || !s.has("Service", ref.Namespace, ref.Name) {
				continue
			}
			all = append(all, Finding{
				Object:  subjectOf(c),
				Message: fmt.Sprintf("nobody is ready to answer for the Service %s/%s that it calls", ref.Namespace, ref.Name),
				Fix:     fmt.Sprintf("kubectl get pods -n %s -l %s=%s, and see why none is ready", ref.Namespace, nameLabel, ownName),
			})
			break
		}
	}
	return all, nil
}

// readyServices are the Services, as namespace/name, that somebody answers for.
func (s *Scene) readyServices() (map[string]bool, error) {
	ready := map[string]bool{}
	for _, o := range s.kind("EndpointSlice") {
		var slice discoveryv1.EndpointSlice
		if err := o.into(&slice); err != nil {
			return nil, err
		}
		for _, e := range slice.Endpoints {
			if e.Conditions.Ready == nil || *e.Conditions.Ready {
				ready[o.Namespace+"/"+o.Labels[discoveryv1.LabelServiceName]] = true
			}
		}
	}
	return ready, nil
}

// unasked finds installations that run and have no webhook configuration.
func unasked(s *Scene) ([]Finding, error) {
	if s.Webhooks.From != "live" {
		return nil, nil
	}
	var all []Finding
	for _, o := range s.kind("Deployment") {
		revision := o.Labels[revisionOwner]
		if o.Labels[nameLabel] != ownName || revision == "" || slices.Contains(s.Revisions(), revision) {
			continue
		}
		all = append(all, Finding{
			Object:  o.Subject,
			Message: fmt.Sprintf("serves revision %q, and no webhook configuration has the API server ask it", revision),
			Fix:     fmt.Sprintf("outrigger install --set revision=%s", revision),
		})
	}
	return all, nil
}

// switchedOff are the conditions by which an entry is made to match nothing, and what
// each means: internal/lifecycle has the table.
var switchedOff = map[string]struct{ means, fix string }{
	"outrigger-paused":    {"injection is paused: new pods get no sidecar", "outrigger resume"},
	"outrigger-not-ready": {"the installation was not finished: new pods get no sidecar", "outrigger install"},
}

// off finds configurations whose entries are all switched off.
func off(s *Scene) ([]Finding, error) {
	var all []Finding
	for _, c := range s.ours() {
		count := 0
		condition := ""
		entries := hooks([]admissionv1.MutatingWebhookConfiguration{c})
		for _, h := range entries {
			if name := offBy(h.MutatingWebhook); name != "" {
				count, condition = count+1, name
			}
		}
		if condition == "" || count < len(entries) {
			continue
		}
		says := switchedOff[condition]
		if since := c.Annotations[strings.Replace(condition, "outrigger-", "outrigger.dev/", 1)]; since != "" {
			says.means += " (" + since + ")"
		}
		all = append(all, Finding{Object: subjectOf(c), Message: says.means, Fix: says.fix})
	}
	return all, nil
}

// offBy is the condition that an entry is switched off by; "" for none.
func offBy(w admissionv1.MutatingWebhook) string {
	for _, m := range w.MatchConditions {
		if _, ok := switchedOff[m.Name]; ok {
			return m.Name
		}
	}
	return ""
}

// switchedOn is a scene's webhooks as they are once nothing is paused.
func (s *Scene) switchedOn() dryrun.Configurations {
	on := s.Webhooks
	on.List = nil
	for _, c := range s.Webhooks.List {
		c.Webhooks = slices.Clone(c.Webhooks)
		for i := range c.Webhooks {
			c.Webhooks[i].MatchConditions = slices.DeleteFunc(slices.Clone(c.Webhooks[i].MatchConditions), func(m admissionv1.MatchCondition) bool {
				_, off := switchedOff[m.Name]
				return off
			})
		}
		on.List = append(on.List, c)
	}
	return on
}
