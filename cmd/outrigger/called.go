package main

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/labels"
	"outrigger.dev/outrigger/inject"
)

// webhookEntries are the entries of the chart's webhook configuration as label
// selectors, REV for the revision. The API server calls where one entry selects
// both the namespace and the pod. What begins with "rev-" is there for every
// revision, the others for the default one.
var webhookEntries = []struct{ name, namespace, pod string }{
	{"rev-namespace", "istio.io/rev=REV,!istio-injection", "sidecar.istio.io/inject!=false"},
	{"rev-object", "!istio.io/rev,!istio-injection", "istio.io/rev=REV,sidecar.istio.io/inject!=false"},
	{"namespace", "istio-injection=enabled", "sidecar.istio.io/inject!=false"},
	{"object", "!istio.io/rev,!istio-injection", "sidecar.istio.io/inject=true,!istio.io/rev"},
}

// What every entry asks of a namespace and of a pod besides.
const (
	everyNamespace = "kubernetes.io/metadata.name notin (kube-system,kube-public,kube-node-lease,outrigger-system)"
	everyPod       = "app.kubernetes.io/name!=outrigger-injector"
)

// notCalled says why the API server would not call the webhook of the default
// chart for a pod with these labels: a clause, "" where it would.
func notCalled(ns inject.Namespace, pod labels.Set, revision string) (string, error) {
	namespace := labels.Merge(ns.Labels, labels.Set{"kubernetes.io/metadata.name": ns.Name})
	if ok, err := selects(everyNamespace, namespace, revision); !ok {
		return fmt.Sprintf("namespace %q is never injected", ns.Name), err
	}
	if ok, err := selects(everyPod, pod, revision); !ok {
		return "the pod is labelled as the injector's own", err
	}
	for _, entry := range webhookEntries {
		if revision != defaultRevision && !strings.HasPrefix(entry.name, "rev-") {
			continue
		}
		of, err := selects(entry.namespace, namespace, revision)
		if err != nil {
			return "", err
		}
		if ok, err := selects(entry.pod, pod, revision); of && ok {
			return "", err
		}
	}
	wanted := inject.RevisionLabel + "=" + revision
	if revision == defaultRevision {
		wanted = inject.NamespaceLabel + "=enabled"
	}
	var labelled []string
	for _, key := range []string{inject.NamespaceLabel, inject.RevisionLabel} {
		if value, ok := ns.Labels[key]; ok {
			labelled = append(labelled, key+"="+value)
		}
	}
	if len(labelled) == 0 {
		return fmt.Sprintf("namespace %q is not labelled %s", ns.Name, wanted), nil
	}
	if len(labelled) == 2 && revision != defaultRevision {
		wanted += " alone"
	}
	return fmt.Sprintf("namespace %q is labelled %s, not %s", ns.Name, strings.Join(labelled, " and "), wanted), nil
}

// selects says whether a selector matches, with the revision in its place.
func selects(selector string, set labels.Set, revision string) (bool, error) {
	s, err := labels.Parse(strings.ReplaceAll(selector, "REV", revision))
	if err != nil {
		return false, fmt.Errorf("revision %q: %w", revision, err)
	}
	return s.Matches(set), nil
}
