package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"

	"helm.sh/helm/v4/pkg/action"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/kube"
	"helm.sh/helm/v4/pkg/release/common"
	release "helm.sh/helm/v4/pkg/release/v1"
	"helm.sh/helm/v4/pkg/storage/driver"
)

// fieldManager is Helm's own name, so that Helm finds its fields where it left them.
const fieldManager = "helm"

func init() { kube.ManagedFieldsManager = fieldManager }

// What Helm writes on the objects of a release.
const (
	releaseNameKey      = "meta.helm.sh/release-name"
	releaseNamespaceKey = "meta.helm.sh/release-namespace"
)

// helm is Helm's SDK, for the releases of a namespace, or of all where it is "". report,
// unless nil, is told of every object that is written.
func (c *Cluster) helm(namespace string, report func(verb string, objects kube.ResourceList)) (*action.Configuration, error) {
	config := action.NewConfiguration(action.ConfigurationSetLogger(slog.DiscardHandler))
	if err := config.Init(c.getter, namespace, os.Getenv("HELM_DRIVER")); err != nil {
		return nil, err
	}
	if report != nil {
		config.KubeClient = reporting{config.KubeClient, report}
	}
	return config, nil
}

// reporting is Helm's client that says what it has done.
type reporting struct {
	kube.Interface
	report func(verb string, objects kube.ResourceList)
}

func (r reporting) Create(resources kube.ResourceList, options ...kube.ClientCreateOption) (*kube.Result, error) {
	return r.done(r.Interface.Create(resources, options...))
}

func (r reporting) Update(original, target kube.ResourceList, options ...kube.ClientUpdateOption) (*kube.Result, error) {
	return r.done(r.Interface.Update(original, target, options...))
}

func (r reporting) done(result *kube.Result, err error) (*kube.Result, error) {
	if result != nil {
		r.report("created", result.Created)
		r.report("updated", result.Updated)
		r.report("deleted", result.Deleted)
	}
	return result, err
}

// A foundRelease is the release of a revision; last is nil where there is none yet, and
// then name is what it will be called.
type foundRelease struct {
	name string
	last *release.Release
}

// findRelease finds the release of a revision in our namespace, whatever it is called.
func (c *Cluster) findRelease(_ context.Context, revision string) (foundRelease, error) {
	all, err := c.releases(c.Namespace)
	if err != nil {
		return foundRelease{}, err
	}
	for _, r := range all {
		if Values(r.Config).Revision() == revision {
			return foundRelease{r.Name, r}, nil
		}
	}
	return foundRelease{name: ReleaseName(revision)}, nil
}

// releases are the newest versions of all releases of Outrigger in a namespace, or in all
// where it is "", by name.
func (c *Cluster) releases(namespace string) ([]*release.Release, error) {
	config, err := c.helm(namespace, nil)
	if err != nil {
		return nil, err
	}
	found, err := config.Releases.ListReleases()
	if err != nil && !errors.Is(err, driver.ErrReleaseNotFound) {
		return nil, fmt.Errorf("releases of Helm's: %w", err)
	}
	newest := map[string]*release.Release{}
	for _, f := range found {
		r, ok := f.(*release.Release)
		if !ok || r.Chart == nil || r.Chart.Metadata == nil || r.Chart.Name() != ChartName {
			continue
		}
		key := r.Namespace + "/" + r.Name
		if before := newest[key]; before == nil || before.Version < r.Version {
			newest[key] = r
		}
	}
	var all []*release.Release
	for _, key := range slices.Sorted(maps.Keys(newest)) {
		r := newest[key]
		if r.Info.Status != common.StatusUninstalled {
			all = append(all, r)
		}
	}
	return all, nil
}

// apply makes a new version of the release: its first, or the next. hold, unless nil, is
// the objects' last change before they are applied.
func (c *Cluster) apply(ctx context.Context, of foundRelease, ch *chart.Chart, values Values, hold *hold, report func(string, kube.ResourceList)) (*release.Release, error) {
	config, err := c.helm(c.Namespace, report)
	if err != nil {
		return nil, err
	}
	values = values.clone()
	if of.last == nil {
		install := action.NewInstall(config)
		install.ReleaseName, install.Namespace = of.name, c.Namespace
		install.WaitStrategy, install.Replace = kube.HookOnlyStrategy, true
		if hold != nil {
			install.PostRenderer = hold
		}
		done, err := install.RunWithContext(ctx, ch, values)
		return asRelease(done), chartError(err)
	}
	upgrade := action.NewUpgrade(config)
	upgrade.Namespace, upgrade.ResetValues = c.Namespace, true
	upgrade.WaitStrategy, upgrade.MaxHistory = kube.HookOnlyStrategy, 10
	// What somebody changed by hand is as the release says again.
	upgrade.ForceConflicts = of.last.ApplyMethod == string(release.ApplyMethodServerSideApply)
	if hold != nil {
		upgrade.PostRenderer = hold
	}
	done, err := upgrade.RunWithContext(ctx, of.name, ch, values)
	return asRelease(done), chartError(err)
}

// asRelease is what Helm gives, nil for nil.
func asRelease(of any) *release.Release {
	r, _ := of.(*release.Release)
	return r
}

// recover makes a release that was cut short one that can be upgraded: what it says of
// itself is that somebody is at work on it. Nobody is, or we had not the lease.
func (c *Cluster) recover(of foundRelease) error {
	if of.last == nil || !of.last.Info.Status.IsPending() && of.last.Info.Status != common.StatusUninstalling {
		return nil
	}
	config, err := c.helm(c.Namespace, nil)
	if err != nil {
		return err
	}
	of.last.SetStatus(common.StatusFailed, "interrupted, and taken up again by outrigger")
	if err := config.Releases.Update(of.last); err != nil {
		return fmt.Errorf("release %q: %w", of.name, err)
	}
	return nil
}
