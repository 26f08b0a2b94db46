package check

import (
	"context"
	"errors"
	"fmt"
	"strings"

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

// reasons are why the API server does not reach a webhook, by its own words. The first
// row that an error has the words of counts.
var reasons = []struct{ words, reason, cure string }{
	{"no endpoints available", "no-endpoints", "no replica is ready: kubectl -n NAMESPACE get pods -l app.kubernetes.io/name=outrigger-injector"},
	{"Address is not allowed", "address-not-allowed", "this API server reaches nodes but not pods: hostNetwork=true and a free webhook.port"},
	{"no route to host", "no-route", "this API server reaches nodes but not pods: hostNetwork=true and a free webhook.port"},
	{"network is unreachable", "no-route", "this API server reaches nodes but not pods: hostNetwork=true and a free webhook.port"},
	{"unable to load root certificates", "ca-bundle-broken", "caBundle of the webhook configuration is no certificate: see the check caBundle"},
	{"certificate signed by unknown authority", "wrong-ca", "caBundle is another authority's than the server's certificate: see the checks caBundle and readiness"},
	{"certificate has expired", "certificate-expired", "the server serves a certificate that has expired: /readyz says who has to renew it, and check the clocks"},
	{"x509: certificate is", "wrong-name", "the server's certificate is for another name: it has to be for the Service's, or for the host in webhook.url"},
	{"x509: cannot validate certificate for", "wrong-name", "the server's certificate is for another name: it has to be for the Service's, or for the host in webhook.url"},
	{"x509:", "wrong-ca", "the server's certificate and caBundle do not go together: see the checks caBundle and readiness"},
	{"server gave HTTP response to HTTPS client", "not-tls", "something else than Outrigger listens there: see webhook.port and webhook.url"},
	{"tls:", "not-tls", "something else than Outrigger listens there, or it has no certificate yet: see the check readiness"},
	{"connection refused", "refused", "nothing listens there: kubectl -n NAMESPACE get pods -l app.kubernetes.io/name=outrigger-injector"},
	{"no such host", "no-such-host", "the API server does not resolve the host in webhook.url"},
	{"connection reset by peer", "reset", "something between the API server and the server cuts the connection: a proxy, or a service mesh"},
	{"EOF", "reset", "something between the API server and the server cuts the connection: a proxy, or a service mesh"},
	{"deadline exceeded", "timeout", "let the control plane reach port 9443 (webhook.port) of the pods: a firewall, or a NetworkPolicy, drops what it sends"},
	{"Client.Timeout", "timeout", "let the control plane reach port 9443 (webhook.port) of the pods: a firewall, or a NetworkPolicy, drops what it sends"},
	{"i/o timeout", "timeout", "let the control plane reach port 9443 (webhook.port) of the pods: a firewall, or a NetworkPolicy, drops what it sends"},
	{"service \"", "no-service", "the Service is gone: helm upgrade makes it again"},
	{"an error on the server", "server-error", "the server has a fault, or something else answers there: kubectl -n NAMESPACE logs deployment/outrigger-injector"},
	{"could not find the requested resource", "wrong-path", "what answers does not know the path: is it an Outrigger of this version, with --canary?"},
	{"", "unreachable", "see the log of the API server, and of the server"},
}

// An Unreachable is that the API server called the webhook in vain.
type Unreachable struct {
	// Reason is one word of the table above, and Cure what to do.
	Reason, Cure string
	err          error
}

// Error is what the API server said.
func (u *Unreachable) Error() string { return u.err.Error() }

// Unwrap gives [cluster.ErrUnreachable], and what the API server said.
func (u *Unreachable) Unwrap() error { return u.err }

// classify finds what the API server says in the table.
func classify(err error, namespace string) *Unreachable {
	for _, row := range reasons {
		if strings.Contains(err.Error(), row.words) {
			return &Unreachable{row.reason, strings.ReplaceAll(row.cure, "NAMESPACE", namespace), err}
		}
	}
	return nil // the last row is for every error
}

var (
	// errNowhere is that there is no way to ask.
	errNowhere = errors.New("there is nowhere to ask")
	// errNotInjected is that a pod that asks for the revision came back without a sidecar.
	errNotInjected = errors.New("a pod that asks for the revision got no sidecar")
)

// Reach has the API server call the webhook, by a dry run of a pod: by the entry canary
// where that is switched on, which takes the right to create pods in the installation's
// namespace, and else of a pod that asks for the revision, in the namespace of.Ask or one that
// says nothing about injection. It returns nil if the webhook answered, an [*Unreachable] where it was
// called in vain, and otherwise another error.
func (c *Cluster) Reach(ctx context.Context, of Installation) error {
	hooks, findings := c.webhooks(ctx, of)
	if hooks == nil {
		return errors.New(findings[0].Text)
	}
	_, err := c.reach(ctx, of, hooks)
	return err
}

// reach is Reach, and says in which namespace it asked.
func (c *Cluster) reach(ctx context.Context, of Installation, h hooks) (namespace string, err error) {
	if h.canaryOn() {
		namespace = of.Namespace
		canary := cluster.Canary{
			Pods: c.Kubernetes.CoreV1().Pods(namespace), Key: canaryKey, Revision: of.Revision,
			Asked: canaryAsked, Answered: canaryAnswered,
		}
		err = canary.Call(ctx)
	} else if namespace, err = c.askIn(ctx, of); err == nil {
		err = c.askAsPod(ctx, namespace, of)
	}
	if errors.Is(err, cluster.ErrUnreachable) {
		return namespace, classify(err, of.Namespace)
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

// askAsPod asks by a pod as any other.
func (c *Cluster) askAsPod(ctx context.Context, namespace string, of Installation) error {
	pod, err := c.Kubernetes.CoreV1().Pods(namespace).Create(ctx, podOf(of.Revision), metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	switch {
	case err != nil && strings.Contains(err.Error(), "failed calling webhook"):
		return fmt.Errorf("%w: %w", cluster.ErrUnreachable, err)
	case err != nil:
		return fmt.Errorf("namespace %q: %w: %w", namespace, cluster.ErrRefused, err)
	case pod.Annotations["outrigger.dev/injection"] == "":
		return fmt.Errorf("namespace %q: %w", namespace, errNotInjected)
	}
	return nil
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

// podOf asks for a revision.
func podOf(revision string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "outrigger-canary-", Labels: map[string]string{"istio.io/rev": revision}},
		Spec: corev1.PodSpec{
			AutomountServiceAccountToken: new(false),
			Containers:                   []corev1.Container{{Name: "canary", Image: "registry.k8s.io/pause"}},
		},
	}
}
