package lifecycle

import (
	"context"
	"fmt"
	"slices"
	"strings"

	chart "helm.sh/helm/v4/pkg/chart/v2"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// A Plan is what an installation is about to do. It is made without changing anything.
type Plan struct {
	// Release is the name of the Helm release, and Revision that of Outrigger's.
	Release, Revision string
	// From is the version of the chart that is installed, "" for a first installation,
	// and To the one that will be.
	From, To string
	// Changes are in what the values differ from those that are installed.
	Changes string
	// Objects are what will be applied, in order.
	Objects []Manifest
	// Istio, unless nil, is the istiod whose injector is taken over.
	Istio *Istiod

	values Values
	chart  *chart.Chart
	found  foundRelease
}

// An OwnedError is an object that the installation would have to write, and that belongs
// to somebody else.
type OwnedError struct{ Object, Owner string }

// Error names the object and its owner.
func (e OwnedError) Error() string {
	return fmt.Sprintf("%s belongs to %s", e.Object, e.Owner)
}

// Plan finds out what installing these values comes to. istio, unless "", is the istiod
// to take over from: a namespace, namespace/revision, or "auto" for the only one there is.
// Values that are wrong are an error, and so is every object that is somebody else's.
func (c *Cluster) Plan(ctx context.Context, values Values, istio string) (*Plan, error) {
	p := &Plan{values: values.clone()}
	if istio != "" {
		found, err := c.findIstiod(ctx, istio)
		if err != nil {
			return nil, err
		}
		p.Istio = found
		p.values.adopt(found)
	}
	if err := p.values.Check(); err != nil {
		return nil, err
	}
	if _, err := Complete(p.values); err != nil {
		return nil, err
	}
	var err error
	p.Revision = p.values.Revision()
	if p.found, err = c.findRelease(ctx, p.Revision); err != nil {
		return nil, err
	}
	p.Release = p.found.name
	before := Values{}
	if last := p.found.last; last != nil {
		p.From, before = last.Chart.Metadata.Version, Values(last.Config)
		// Tags are set by a verb of their own, and not lost because they are not named here.
		if tags, tagged := before["revisionTags"]; tagged && p.values["revisionTags"] == nil {
			p.values["revisionTags"] = tags
		}
	}
	if p.Changes, err = DiffValues("installed", before, "wanted", p.values); err != nil {
		return nil, err
	}
	if p.chart, err = loadChart(); err != nil {
		return nil, err
	}
	p.To = p.chart.Metadata.Version
	if p.Objects, err = renderChart(p.chart, p.values, p.Release, c.Namespace); err != nil {
		return nil, err
	}
	return p, c.checkOwners(ctx, p)
}

// checkOwners wants every object that is there already to be the release's.
func (c *Cluster) checkOwners(ctx context.Context, p *Plan) error {
	for _, m := range p.Objects {
		if m.Object.GetKind() == "Namespace" {
			continue
		}
		live, err := c.get(ctx, &m.Object)
		if err != nil {
			return fmt.Errorf("%s: %w", m.Title(), err)
		}
		if live == nil {
			continue
		}
		if owner := ownerOf(live, p.Release, c.Namespace); owner != "" {
			return OwnedError{m.Title(), owner}
		}
	}
	return nil
}

// ownerOf says whose an object is, "" where it is the release's:
//
//	annotation meta.helm.sh/release-name      another Helm release
//	annotation argocd.argoproj.io/tracking-id an application of Argo CD
//	label kustomize.toolkit.fluxcd.io/name    a Kustomization of Flux
//	none of these                             whoever wrote it first; not who keeps its
//	                                          status, whom the API server may list before
func ownerOf(o *unstructured.Unstructured, release, namespace string) string {
	annotations, labels := o.GetAnnotations(), o.GetLabels()
	name, in := annotations[releaseNameKey], annotations[releaseNamespaceKey]
	application, _, _ := strings.Cut(annotations["argocd.argoproj.io/tracking-id"], ":")
	kustomization := labels["kustomize.toolkit.fluxcd.io/name"]
	switch {
	case application != "":
		return fmt.Sprintf("the application %q of Argo CD", application)
	case kustomization != "":
		return fmt.Sprintf("the Kustomization %q of Flux", kustomization)
	case name == release && in == namespace:
		return ""
	case name != "":
		return fmt.Sprintf("the Helm release %q in namespace %q", name, in)
	}
	for _, m := range o.GetManagedFields() {
		if m.Manager != "" && m.Subresource == "" {
			return fmt.Sprintf("no Helm release: %q wrote it", m.Manager)
		}
	}
	return "no Helm release"
}

// configurations are the names of the webhook configurations among the objects.
func (p *Plan) configurations() []string {
	var names []string
	for _, m := range p.Objects {
		if m.Object.GetKind() == webhookKind {
			names = append(names, m.Object.GetName())
		}
	}
	return names
}

// unproven are those of the webhook configurations whose server is not known to answer:
// they are new, or an installation did not come to its end, or have no CA bundle that the
// server is about to write.
func (c *Cluster) unproven(ctx context.Context, p *Plan) ([]string, error) {
	var names []string
	for _, name := range p.configurations() {
		live, err := c.client.AdmissionregistrationV1().MutatingWebhookConfigurations().Get(ctx, name, metav1.GetOptions{})
		if err != nil && !apierrors.IsNotFound(err) {
			return nil, err
		}
		if err != nil || isOff(live, notReady) || p.bundleIsWritten() && len(withoutBundle(live)) > 0 {
			names = append(names, name)
		}
	}
	return names, nil
}

// bundleIsWritten says whether the CA bundle comes by itself: from the server, or from
// cert-manager. Otherwise it is in the values, or a matter of whoever installs.
func (p *Plan) bundleIsWritten() bool {
	mode, err := p.values.Lookup("certificates.mode")
	return err != nil || mode == "selfSigned" || mode == "certManager"
}

// withoutBundle are the names of the entries that have no CA bundle.
func withoutBundle(c *admissionv1.MutatingWebhookConfiguration) []string {
	var names []string
	for _, w := range c.Webhooks {
		if len(w.ClientConfig.CABundle) == 0 {
			names = append(names, w.Name)
		}
	}
	slices.Sort(names)
	return names
}
