package missing

import (
	"context"
	"errors"
	"fmt"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"outrigger.dev/outrigger/inject"
	"outrigger.dev/outrigger/internal/cluster"
)

// ErrNoInstallation says that there is no webhook configuration of Outrigger's.
var ErrNoInstallation = errors.New("there is no webhook configuration of Outrigger's in this cluster")

const (
	nameLabel     = "app.kubernetes.io/name"
	injectorName  = "outrigger-injector"
	revisionLabel = "outrigger.dev/revision"
	// helmNamespace is what Helm writes on what it installs.
	helmNamespace    = "meta.helm.sh/release-namespace"
	defaultNamespace = "outrigger-system"
)

// Installations reads every installation in a cluster: its webhook configurations, and
// the configuration that it has last proved, which is the one in force.
func Installations(ctx context.Context, client cluster.Client) ([]Judge, error) {
	found, err := client.AdmissionregistrationV1().MutatingWebhookConfigurations().List(ctx, metav1.ListOptions{
		LabelSelector: nameLabel + "=" + injectorName,
	})
	if err != nil {
		return nil, fmt.Errorf("webhook configurations: %w", err)
	}
	var revisions []string
	of := map[string][]admissionv1.MutatingWebhookConfiguration{}
	for _, c := range found.Items {
		revision := c.Labels[revisionLabel]
		if of[revision] == nil {
			revisions = append(revisions, revision)
		}
		of[revision] = append(of[revision], c)
	}
	if len(revisions) == 0 {
		return nil, ErrNoInstallation
	}
	var all []Judge
	for _, revision := range revisions {
		judge, err := installation(ctx, client, revision, of[revision])
		if err != nil {
			return nil, fmt.Errorf("revision %q: %w", revision, err)
		}
		all = append(all, judge)
	}
	return all, nil
}

// installation reads one.
func installation(ctx context.Context, client cluster.Client, revision string, of []admissionv1.MutatingWebhookConfiguration) (Judge, error) {
	webhooks, err := ReadWebhooks(of...)
	if err != nil {
		return Judge{}, err
	}
	namespace := namespaceOf(of[0])
	kept := &cluster.LastGood{
		ConfigMaps: client.CoreV1().ConfigMaps(namespace), Namespace: namespace, Name: cluster.Revised("outrigger-last-good", revision),
	}
	sources, err := kept.Load(ctx)
	if err != nil {
		return Judge{}, err
	}
	in, err := inject.New(sources, inject.Settings{Revision: revision})
	if err != nil {
		return Judge{}, fmt.Errorf("%s: %w", kept, err)
	}
	return Judge{Webhooks: webhooks, Decider: in}, nil
}

// namespaceOf is where the server behind a webhook configuration is.
func namespaceOf(c admissionv1.MutatingWebhookConfiguration) string {
	for _, w := range c.Webhooks {
		if s := w.ClientConfig.Service; s != nil {
			return s.Namespace
		}
	}
	if namespace := c.Annotations[helmNamespace]; namespace != "" {
		return namespace
	}
	return defaultNamespace
}
