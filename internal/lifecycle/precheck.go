package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"helm.sh/helm/v4/pkg/chart/v2/util"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"outrigger.dev/outrigger/internal/cluster"
)

// A Level says how bad a finding is.
type Level string

// The levels, from what is only worth knowing to what an installation founders on.
const (
	Info    Level = "info"
	Warning Level = "warning"
	Error   Level = "error"
)

// Levels are all, the mildest first.
var Levels = []Level{Info, Warning, Error}

// A Finding is something about a cluster that whoever installs should know.
type Finding struct {
	Level Level `json:"level"`
	// Check is the check that found it: one word.
	Check string `json:"check"`
	// About is what it is about: an object, a namespace, or the API server.
	About string `json:"about"`
	// What is a sentence without a full stop.
	What string `json:"what"`
	// Cure is the one thing to do, where there is one.
	Cure string `json:"cure,omitempty"`
}

// Precheck looks at a cluster before an installation or an upgrade. An error is that it
// could not look; what it finds is no error.
func (c *Cluster) Precheck(ctx context.Context, p *Plan) ([]Finding, error) {
	var all []Finding
	for _, check := range []func(context.Context, *Plan) ([]Finding, error){
		c.checkVersion, c.checkKinds, c.checkRights, c.checkReach, c.checkPaused, c.checkWebhooks,
		c.checkNamespaces, c.checkRoom,
	} {
		found, err := check(ctx, p)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

// checkVersion wants an API server that the chart is for.
func (c *Cluster) checkVersion(_ context.Context, p *Plan) ([]Finding, error) {
	version, err := c.client.Discovery().ServerVersion()
	if err != nil {
		return nil, err
	}
	if want := p.chart.Metadata.KubeVersion; want != "" && !util.IsCompatibleRange(want, version.GitVersion) {
		return []Finding{{Error, "version", "API server", fmt.Sprintf("%s, want %s", version.GitVersion, want), ""}}, nil
	}
	return []Finding{{Info, "version", "API server", "Kubernetes " + version.GitVersion, ""}}, nil
}

const certManagerGroup = "cert-manager.io"

// checkKinds wants the API server to know every kind, cert-manager's among them where it
// issues the certificate.
func (c *Cluster) checkKinds(ctx context.Context, p *Plan) (all []Finding, err error) {
	told := map[schema.GroupKind]bool{}
	for _, m := range p.Objects {
		kind := m.Object.GroupVersionKind()
		if told[kind.GroupKind()] {
			continue
		}
		told[kind.GroupKind()] = true
		switch _, err := c.mapper.RESTMapping(kind.GroupKind(), kind.Version); {
		case meta.IsNoMatchError(err) && kind.Group == certManagerGroup && told[schema.GroupKind{Group: certManagerGroup}]:
			// all of its kinds are gone together
		case meta.IsNoMatchError(err) && kind.Group == certManagerGroup:
			told[schema.GroupKind{Group: certManagerGroup}] = true
			all = append(all, Finding{Error, "cert-manager", "API server", "cert-manager is not installed, and certificates.mode is certManager",
				"install cert-manager, or --set certificates.mode=selfSigned"})
		case meta.IsNoMatchError(err):
			all = append(all, Finding{Error, "kinds", "API server", fmt.Sprintf("there is no kind %s of %s", kind.Kind, kind.GroupVersion()), ""})
		case err != nil:
			return nil, err
		case kind.Group == certManagerGroup && kind.Kind == "Certificate":
			all = append(all, Finding{Info, "cert-manager", "API server", "cert-manager " + c.certManagerVersion(ctx), ""})
		}
	}
	return all, nil
}

// certManagerVersion is what its kinds are labelled with.
func (c *Cluster) certManagerVersion(ctx context.Context) string {
	definitions := schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}
	live, err := c.dynamic.Resource(definitions).Get(ctx, "certificates.cert-manager.io", metav1.GetOptions{})
	if err != nil || live.GetLabels()["app.kubernetes.io/version"] == "" {
		return "of a version that it does not tell"
	}
	return live.GetLabels()["app.kubernetes.io/version"]
}

// checkRights asks the API server to apply every object, as a dry run: that needs the
// rights that the installation needs, those that it passes on to the server included.
// Objects in a namespace that is not there yet are asked about by their rights alone.
func (c *Cluster) checkRights(ctx context.Context, p *Plan) (all []Finding, err error) {
	for _, m := range p.Objects {
		if m.Object.GetKind() == "Namespace" {
			continue
		}
		o := m.Object.DeepCopy()
		live, err := c.get(ctx, o)
		if err == nil && live != nil {
			keepOwner(o, live)
		}
		if err == nil {
			_, err = c.applied(ctx, o)
		}
		switch {
		case err == nil, meta.IsNoMatchError(err):
		case apierrors.IsNotFound(err) && strings.Contains(err.Error(), "namespaces"):
			denied, err := c.denied(ctx, o.GroupVersionKind())
			if err != nil {
				return nil, err
			}
			if denied != "" {
				all = append(all, Finding{Error, "rights", m.Title(), "you may not " + denied, ""})
			}
		case apierrors.IsForbidden(err):
			all = append(all, Finding{Error, "rights", m.Title(), err.Error(), ""})
		case errors.Is(err, context.Canceled), apierrors.IsUnauthorized(err):
			return nil, err
		default:
			all = append(all, Finding{Error, "objects", m.Title(), err.Error(), ""})
		}
	}
	return all, nil
}

// checkReach asks through the API server, where there is something to ask.
func (c *Cluster) checkReach(ctx context.Context, p *Plan) ([]Finding, error) {
	if p.found.last == nil || len(p.configurations()) == 0 {
		return []Finding{{Info, "reach", "webhook", "nothing is installed that the API server could be asked to reach: install asks, before any pod depends on it", ""}}, nil
	}
	if held, err := c.unproven(ctx, p); err != nil || len(held) > 0 {
		return []Finding{{Info, "reach", "webhook", "it matches nothing yet: install asks, before any pod depends on it", ""}}, err
	}
	err := c.reach(ctx, p.Revision)
	var failed *cluster.Unreachable
	switch {
	case err == nil:
		return []Finding{{Info, "reach", "webhook", "the API server reaches it: a pod that was asked for as a dry run has its sidecar", ""}}, nil
	case errors.As(err, &failed):
		return []Finding{{Warning, "reach", "webhook", failed.Error(), failed.Cure}}, nil
	}
	return []Finding{{Warning, "reach", "webhook", err.Error(), ""}}, nil
}

// checkPaused says so where injection is paused.
func (c *Cluster) checkPaused(ctx context.Context, _ *Plan) (all []Finding, err error) {
	names, err := c.Paused(ctx)
	for name, since := range names {
		all = append(all, Finding{Warning, "paused", webhookKind + " " + name, "injection is PAUSED, " + since, "outrigger resume"})
	}
	return all, err
}
