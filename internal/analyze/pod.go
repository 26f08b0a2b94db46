package analyze

import (
	"fmt"
	"regexp"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"outrigger.dev/outrigger/inject"
)

// Owner is what a finding about the pod is about: what a person would change or restart.
func (p Pod) Owner() Subject {
	if !p.Running {
		return p.Subject
	}
	owner := inject.OwnerOf(p.Before)
	return Subject{APIVersion: owner.APIVersion, Kind: owner.Kind, Namespace: p.Namespace, Name: owner.Name}
}

// Runs says whether a pod is there for more than its last moments.
func (p Pod) Runs() bool {
	return p.Running && !p.Ending && p.Before.Status.Phase != corev1.PodSucceeded && p.Before.Status.Phase != corev1.PodFailed
}

// perOwner is a finding for each workload that has pods of which find has something to
// say, with its first message.
func (s *Scene) perOwner(find func(Pod) (message, fix string)) []Finding {
	var all []Finding
	at, pods := map[string]int{}, map[string]int{}
	for _, p := range s.pods {
		message, fix := find(p)
		if message == "" {
			continue
		}
		owner := p.Owner()
		pods[owner.String()]++
		if _, known := at[owner.String()]; known {
			continue
		}
		at[owner.String()] = len(all)
		all = append(all, Finding{Object: owner, Message: message, Fix: fix})
	}
	for owner, i := range at {
		if n := pods[owner]; n > 1 {
			all[i].Message += fmt.Sprintf(" (%d pods)", n)
		}
	}
	return all
}

// restart is the command that has a workload's pods created afresh.
func restart(of Subject) string {
	switch of.Kind {
	case "Deployment", "StatefulSet", "DaemonSet":
		return fmt.Sprintf("kubectl rollout restart %s %s -n %s", strings.ToLower(of.Kind), of.Name, of.Namespace)
	default:
		return fmt.Sprintf("create %s %s of namespace %s afresh", of.Kind, of.Name, of.Namespace)
	}
}

// fixRefusal is how to find what a pod has to say in place of what is refused.
func fixRefusal(p Pod) string {
	switch p.File {
	case "standard input":
		return "outrigger explain -f -, and change what it says"
	case "":
		return fmt.Sprintf("outrigger explain %s %s -n %s, and change what it says", strings.ToLower(p.Kind), p.Name, p.Namespace)
	}
	return fmt.Sprintf("outrigger explain -f %s, and change what it says", p.File)
}

// refused finds pods that injection refuses: nobody can create them.
func refused(s *Scene) ([]Finding, error) {
	return s.perOwner(func(p Pod) (string, string) {
		switch d := p.Result.Decision; {
		case !p.Call.Called || p.Running:
			return "", ""
		case p.Fault != nil:
			return fmt.Sprintf("%s: %v", inject.Fault, p.Fault), fixRefusal(p)
		case d.Verdict == inject.Deny:
			return fmt.Sprintf("%s: %s", d.Reason, d.Sentence), fixRefusal(p)
		}
		return "", ""
	}), nil
}

// missed finds pods that were created while nobody injected them.
func missed(s *Scene) ([]Finding, error) {
	return s.perOwner(func(p Pod) (string, string) {
		if !p.Runs() || !p.Injected() || inject.Injected(p.Before) {
			return "", ""
		}
		return fmt.Sprintf("runs without the sidecar that a new pod gets: %s", p.Result.Decision.Sentence), restart(p.Owner())
	}), nil
}

// outdated finds pods that have a sidecar, and would have another one if they were
// created now: they are rendered and compared, whatever their versions say.
func outdated(s *Scene) ([]Finding, error) {
	if !s.Compares() {
		return nil, nil
	}
	return s.perOwner(func(p Pod) (string, string) {
		var paths []string
		for _, d := range p.Outdated() {
			paths = append(paths, d.Path)
		}
		if len(paths) == 0 {
			return "", ""
		}
		const shown = 3
		if more := len(paths) - shown; more > 0 {
			paths = append(paths[:shown:shown], fmt.Sprintf("%d more", more))
		}
		return "was injected by another configuration; a new pod differs in " + strings.Join(paths, ", "), restart(p.Owner())
	}), nil
}

// Compares says whether all is known that pods are rendered by, so that those that there
// are can be compared with new ones.
func (s *Scene) Compares() bool { return s.knowsAll("nodes") && s.knowsAll("proxyconfigs") }

// Outdated are the places in which a running pod with a sidecar differs from what it
// would be if it were created now.
func (p Pod) Outdated() []inject.Difference {
	if !p.Runs() || !p.Injected() {
		return nil
	}
	return p.Differences
}

// What the webhook's warnings are about. They are sentences for people; a fixture holds
// each of these to a sentence of the injector's.
var (
	unknownKeys    = regexp.MustCompile(` is unknown(: did you mean| and has no effect)`)
	badValues      = regexp.MustCompile(`: ignored$| is ignored, wanted `)
	deprecatedKeys = regexp.MustCompile(` is deprecated: write `)
	sameUser       = regexp.MustCompile(` runs as the proxy's user `)
	samePort       = regexp.MustCompile(` is the proxy's own$`)
	sameVolume     = regexp.MustCompile(` replaces the pod's; rename `)
	strayProbe     = regexp.MustCompile(`: not rewritten$`)
)

// warned finds pods about which the webhook would warn in such words.
func warned(words *regexp.Regexp, fix string) func(*Scene) ([]Finding, error) {
	return func(s *Scene) ([]Finding, error) {
		return s.perOwner(func(p Pod) (string, string) {
			if !p.Call.Called || p.Running {
				return "", ""
			}
			for _, warning := range p.Result.Warnings {
				if words.MatchString(warning) {
					return warning, fix
				}
			}
			return "", ""
		}), nil
	}
}

// initBeforeProxy finds init containers of the author's that run while the rules which
// capture traffic are there and the proxy is not: a sidecar among the containers starts
// after all of them.
func initBeforeProxy(s *Scene) ([]Finding, error) {
	return s.perOwner(func(p Pod) (string, string) {
		if p.Running || !p.Injected() || !hasContainer(p.After.Spec.Containers, inject.ProxyContainer) || !captured(p.After) {
			return "", ""
		}
		for _, c := range p.Before.Spec.InitContainers {
			if c.RestartPolicy == nil && !exempt(c) {
				return fmt.Sprintf("init container %q has no network: it runs before the proxy, and its traffic is captured already", c.Name),
					"use native sidecars (ENABLE_NATIVE_SIDECARS), or exclude its traffic by traffic.sidecar.istio.io/excludeOutboundIPRanges"
			}
		}
		return "", ""
	}), nil
}

func hasContainer(all []corev1.Container, name string) bool {
	for _, c := range all {
		if c.Name == name {
			return true
		}
	}
	return false
}

// captured says whether the pod's traffic is redirected by an init container of Istio's.
func captured(pod *corev1.Pod) bool {
	return hasContainer(pod.Spec.InitContainers, "istio-init") || hasContainer(pod.Spec.InitContainers, "istio-validation")
}

// exempt says whether a container's traffic is not captured, as it runs as the proxy.
func exempt(c corev1.Container) bool {
	return c.SecurityContext != nil && c.SecurityContext.RunAsUser != nil && *c.SecurityContext.RunAsUser == proxyUser
}

// proxyUser is the proxy's user id where nothing else is said.
const proxyUser = 1337
