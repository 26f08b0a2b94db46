package check

import (
	"context"
	"errors"
	"fmt"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"outrigger.dev/outrigger/internal/cluster"
)

// CanaryEntry is the webhook entry that canaries go to.
const CanaryEntry = "canary.injector.outrigger.dev"

// The canary's label and annotation, as the server has them in internal/webhook.
const (
	canaryKey      = "outrigger.dev/canary"
	canaryAsked    = "asked"
	canaryAnswered = "answered"
)

// errNowhere is that there is no way to ask.
var errNowhere = errors.New("there is nowhere to ask")

// reach has the API server call the webhook, by a dry run of a pod: by the entry canary
// where that is switched on, which takes the right to create pods in the installation's
// namespace, and else of a pod that asks for the revision, in the namespace of.Ask or one that
// says nothing about injection. It says where it asked, and returns nil if the webhook
// answered, a [*cluster.Unreachable] where it was called in vain, and otherwise another error.
func (c *Cluster) reach(ctx context.Context, of Installation, h hooks) (namespace string, err error) {
	if h.canaryOn() {
		canary := cluster.Canary{
			Pods: c.Kubernetes.CoreV1().Pods(of.Namespace), Key: canaryKey, Revision: of.Revision,
			Asked: canaryAsked, Answered: canaryAnswered,
		}
		return of.Namespace, cluster.Explained(canary.Call(ctx), of.Namespace)
	}
	if namespace, err = c.askIn(ctx, of); err != nil {
		return "", err
	}
	if err = cluster.AskAsPod(ctx, c.Kubernetes.CoreV1().Pods(namespace), of.Revision); err != nil {
		err = fmt.Errorf("namespace %q: %w", namespace, cluster.Explained(err, of.Namespace))
	}
	return namespace, err
}

// canaryOn says whether the entry is there and asks for anything.
func (h hooks) canaryOn() bool {
	for _, entry := range h[0].Webhooks {
		if entry.Name == CanaryEntry {
			return !switchedOff(entry)
		}
	}
	return false
}

// switchedOff says whether an entry asks for namespaces without a name, of which there
// are none.
func switchedOff(entry admissionv1.MutatingWebhook) bool {
	if entry.NamespaceSelector == nil {
		return false
	}
	for _, e := range entry.NamespaceSelector.MatchExpressions {
		if e.Key == corev1.LabelMetadataName && e.Operator == metav1.LabelSelectorOpDoesNotExist {
			return true
		}
	}
	return false
}

// askIn is where a pod is asked for.
func (c *Cluster) askIn(ctx context.Context, of Installation) (namespace string, err error) {
	if of.Ask != "" {
		return of.Ask, nil
	}
	return c.silentNamespace(ctx, of)
}

// silentNamespace is one where a pod that asks for a revision gets it: without a label of
// Istio's, nor a level of Pod Security that might refuse a sidecar. It prefers default.
func (c *Cluster) silentNamespace(ctx context.Context, of Installation) (string, error) {
	list, err := c.Kubernetes.CoreV1().Namespaces().List(ctx, metav1.ListOptions{
		LabelSelector: "!istio-injection,!istio.io/rev,pod-security.kubernetes.io/enforce notin (baseline,restricted)," +
			corev1.LabelMetadataName + " notin (kube-system,kube-public,kube-node-lease," + of.Namespace + ")",
	})
	if err != nil {
		return "", fmt.Errorf("%w: %w", errNowhere, err)
	}
	first := ""
	for _, namespace := range list.Items {
		if namespace.Status.Phase == corev1.NamespaceTerminating {
			continue
		}
		if namespace.Name == corev1.NamespaceDefault {
			return namespace.Name, nil
		}
		if first == "" {
			first = namespace.Name
		}
	}
	if first == "" {
		return "", fmt.Errorf("%w: every namespace says something about injection", errNowhere)
	}
	return first, nil
}
