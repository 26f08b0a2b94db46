package lifecycle

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"outrigger.dev/outrigger/internal/cluster"
)

// errNoCanary is that there is no way to ask.
var errNoCanary = errors.New("no namespace to ask in")

// reach asks the API server to create a pod that asks for the revision, as a dry run, and
// looks whether that is injected: the whole way that an admission goes.
func (c *Cluster) reach(ctx context.Context, revision string) error {
	namespace, err := c.askingNamespace(ctx, revision)
	if err != nil {
		return err
	}
	if err = cluster.Explained(cluster.AskAsPod(ctx, c.client.CoreV1().Pods(namespace), revision), c.Namespace); err != nil {
		return fmt.Errorf("namespace %s: %w", namespace, err)
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
