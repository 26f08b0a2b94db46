package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"outrigger.dev/outrigger/internal/cluster"
)

// Why the API server does not reach a webhook, by its own words, and what to do:
//
//	words                        kind         cure
var unreachable = []struct{ words, kind, cure string }{
	{"no endpoints available", "no endpoints", "no replica is ready: kubectl get pods -n %[1]s -l app.kubernetes.io/name=outrigger-injector"},
	{"Address is not allowed", "overlay", "the API server reaches nodes but not pods: --set hostNetwork=true"},
	{"no route to host", "overlay", "the API server reaches nodes but not pods: --set hostNetwork=true"},
	{"network is unreachable", "overlay", "the API server reaches nodes but not pods: --set hostNetwork=true"},
	{"x509", "wrong CA", "the certificate that is served is not the one that the CA bundle is for: see /readyz of the server"},
	{"tls:", "wrong CA", "what answers there does not speak TLS as it should: is it Outrigger?"},
	{"connection refused", "refused", "nothing listens there: is the server up?"},
	{"no such host", "no such host", "the API server does not resolve the name in webhook.url"},
	{"not found", "no service", "the webhook's Service is gone: outrigger install puts it back"},
	{"deadline exceeded", "firewall", "let the API server reach port 9443 of pods (webhook.port), or move it with --set webhook.port=10250"},
	{"timeout", "firewall", "let the API server reach port 9443 of pods (webhook.port), or move it with --set webhook.port=10250"},
}

// A ReachError is that the API server called the webhook in vain.
type ReachError struct {
	// Kind is a word of the table above, or "other".
	Kind string
	// Cure is the one thing to do, "" where that is not known.
	Cure string
	err  error
}

// Error is the kind, and the API server's own words.
func (e *ReachError) Error() string { return e.Kind + ": " + e.err.Error() }

// Unwrap gives the error that was classified.
func (e *ReachError) Unwrap() error { return e.err }

// classify finds an error of a canary's in the table.
func (c *Cluster) classify(err error) error {
	if err == nil || !errors.Is(err, cluster.ErrUnreachable) {
		return err
	}
	for _, row := range unreachable {
		if strings.Contains(err.Error(), row.words) {
			cure := row.cure
			if strings.Contains(cure, "%") {
				cure = fmt.Sprintf(cure, c.Namespace)
			}
			return &ReachError{row.kind, cure, err}
		}
	}
	return &ReachError{"other", "", err}
}

// errNoCanary is that there is no way to ask.
var errNoCanary = errors.New("no namespace to ask in")

// reach asks the API server to create a pod that asks for the revision, as a dry run, and
// looks whether that is injected: the whole way that an admission goes.
func (c *Cluster) reach(ctx context.Context, revision string) error {
	namespace, err := c.askingNamespace(ctx, revision)
	if err != nil {
		return err
	}
	pod, err := c.client.CoreV1().Pods(namespace).Create(ctx, canaryPod(revision), metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	switch {
	case err != nil && strings.Contains(err.Error(), "failed calling webhook"):
		return c.classify(fmt.Errorf("%w: %w", cluster.ErrUnreachable, err))
	case err != nil:
		return fmt.Errorf("namespace %s: %w: %w", namespace, cluster.ErrRefused, err)
	case pod.Annotations["outrigger.dev/injection"] == "":
		return fmt.Errorf("namespace %s: %w", namespace, cluster.ErrNotCalled)
	}
	return nil
}

// askingNamespace is one in which a pod that asks for a revision is injected by that one:
// with neither of Istio's labels, best the one that every cluster has, or else with that
// which asks for the revision. Where Pod Security is enforced it would be refused.
func (c *Cluster) askingNamespace(ctx context.Context, revision string) (string, error) {
	asks := "!istio-injection,istio.io/rev=" + revision
	if revision == DefaultRevision {
		asks = "istio-injection=enabled"
	}
	for _, labelled := range []string{"!istio-injection,!istio.io/rev", asks} {
		list, err := c.client.CoreV1().Namespaces().List(ctx, metav1.ListOptions{
			LabelSelector: labelled + ",kubernetes.io/metadata.name notin (kube-system,kube-public,kube-node-lease," + c.Namespace + ")",
		})
		if err != nil {
			return "", err
		}
		if found := freest(list.Items); found != "" {
			return found, nil
		}
	}
	return "", errNoCanary
}

// freest is the namespace default, or the first one, where Pod Security refuses nothing.
func freest(all []corev1.Namespace) (found string) {
	for _, ns := range all {
		enforced := ns.Labels["pod-security.kubernetes.io/enforce"]
		if ns.Status.Phase != corev1.NamespaceActive || enforced == "baseline" || enforced == "restricted" {
			continue
		}
		if found == "" || ns.Name == metav1.NamespaceDefault {
			found = ns.Name
		}
	}
	return found
}

func canaryPod(revision string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			GenerateName: "outrigger-canary-",
			Labels:       map[string]string{"istio.io/rev": revision},
		},
		Spec: corev1.PodSpec{
			AutomountServiceAccountToken: new(false),
			Containers:                   []corev1.Container{{Name: "canary", Image: "registry.k8s.io/pause"}},
		},
	}
}
