package lifecycle

import (
	"context"
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// A Tag is another name for a revision.
type Tag struct {
	Tag      string `json:"tag"`
	Revision string `json:"revision"`
	// Namespaces ask for it by istio.io/rev.
	Namespaces []string `json:"namespaces"`
}

// Tags are those of all releases in our namespace, by name.
func (c *Cluster) Tags(ctx context.Context) ([]Tag, error) {
	releases, err := c.releases(c.Namespace)
	if err != nil {
		return nil, err
	}
	all := []Tag{}
	for _, r := range releases {
		for _, name := range tagsOf(r.Config) {
			namespaces, err := c.asking(ctx, name)
			if err != nil {
				return nil, err
			}
			all = append(all, Tag{name, Values(r.Config).Revision(), namespaces})
		}
	}
	return all, nil
}

// Revisions are those of all releases in our namespace.
func (c *Cluster) Revisions(context.Context) ([]string, error) {
	releases, err := c.releases(c.Namespace)
	var all []string
	for _, r := range releases {
		all = append(all, Values(r.Config).Revision())
	}
	return all, err
}

// asking are the namespaces that a revision or a tag injects into by their labels.
func (c *Cluster) asking(ctx context.Context, name string) ([]string, error) {
	selector := "!istio-injection,istio.io/rev=" + name
	if name == DefaultRevision {
		selector = "istio-injection=enabled"
	}
	list, err := c.client.CoreV1().Namespaces().List(ctx, metav1.ListOptions{LabelSelector: selector})
	if err != nil {
		return nil, err
	}
	names := []string{}
	for _, ns := range list.Items {
		names = append(names, ns.Name)
	}
	return names, nil
}

func tagsOf(values Values) (tags []string) {
	list, _ := values["revisionTags"].([]any)
	for _, t := range list {
		if tag, ok := t.(string); ok {
			tags = append(tags, tag)
		}
	}
	return tags
}

// SetTag gives a revision another name, by an upgrade of its release with the chart that
// it has. A tag that another revision has is moved only with overwrite, and there is no
// moment in which nobody answers for it; see [Cluster.bridge].
func (c *Cluster) SetTag(ctx context.Context, tag, revision string, overwrite bool, limit time.Duration, progress Progress) error {
	all, err := c.Tags(ctx)
	if err != nil {
		return err
	}
	bridged, err := c.bridged(ctx, tag)
	if err != nil {
		return err
	}
	for _, t := range all {
		switch {
		case t.Tag != tag:
		case t.Revision == revision && bridged == "":
			progress.note("tag %q is of revision %q already", tag, revision)
			return nil
		case t.Revision == revision: // a move that was cut short
		case !overwrite:
			return fmt.Errorf("tag %q is of revision %q: --overwrite moves it", tag, t.Revision)
		default:
			if err := c.bridge(ctx, tag, revision, progress); err != nil {
				return err
			}
			if err := c.retag(ctx, t.Revision, tag, false, limit, progress); err != nil {
				return err
			}
		}
	}
	if err := c.retag(ctx, revision, tag, true, limit, progress); err != nil {
		return err
	}
	return c.removeBridge(ctx, tag, progress)
}

// RemoveTag takes a tag away, and with it what a move of it that was cut short has left.
func (c *Cluster) RemoveTag(ctx context.Context, tag string, limit time.Duration, progress Progress) error {
	all, err := c.Tags(ctx)
	if err != nil {
		return err
	}
	for _, t := range all {
		if t.Tag != tag {
			continue
		}
		if err := c.retag(ctx, t.Revision, tag, false, limit, progress); err != nil {
			return err
		}
	}
	return c.removeBridge(ctx, tag, progress)
}

// Tag finds a tag by its name. One that no revision has, as its move was cut short, is of
// the revision that it was to move to.
func (c *Cluster) Tag(ctx context.Context, tag string) (Tag, error) {
	all, err := c.Tags(ctx)
	if err != nil {
		return Tag{}, err
	}
	if i := slices.IndexFunc(all, func(t Tag) bool { return t.Tag == tag }); i >= 0 {
		return all[i], nil
	}
	switch revision, err := c.bridged(ctx, tag); {
	case err != nil:
		return Tag{}, err
	case revision != "":
		namespaces, err := c.asking(ctx, tag)
		return Tag{tag, revision, namespaces}, err
	}
	return Tag{}, fmt.Errorf("tag %q: no revision in namespace %q has it", tag, c.Namespace)
}

// PlanTag is the plan for a revision with a tag more, or less: the release as it is, chart
// and values, but for that.
func (c *Cluster) PlanTag(ctx context.Context, revision, tag string, more bool) (*Plan, error) {
	p, err := c.planTag(ctx, revision, tag, more)
	if err != nil {
		return nil, err
	}
	return p, c.checkOwners(ctx, p)
}

// planTag is the plan, whoever has the tag now.
func (c *Cluster) planTag(ctx context.Context, revision, tag string, more bool) (*Plan, error) {
	found, err := c.findRelease(ctx, revision)
	if err != nil {
		return nil, err
	}
	if found.last == nil {
		return nil, fmt.Errorf("revision %q: no release in namespace %q is of it", revision, c.Namespace)
	}
	p := &Plan{Release: found.name, Revision: revision, found: found, chart: found.last.Chart, values: Values(found.last.Config).clone()}
	p.From, p.To = found.last.Chart.Metadata.Version, found.last.Chart.Metadata.Version
	tags := slices.DeleteFunc(tagsOf(p.values), func(t string) bool { return t == tag })
	if more {
		tags = append(tags, tag)
	}
	list := []any{}
	for _, t := range tags {
		list = append(list, t)
	}
	p.values["revisionTags"] = list
	if err := p.values.Check(); err != nil {
		return nil, err
	}
	p.Objects, err = renderChart(p.chart, p.values, p.Release, c.Namespace)
	return p, err
}

func (c *Cluster) retag(ctx context.Context, revision, tag string, more bool, limit time.Duration, progress Progress) error {
	p, err := c.PlanTag(ctx, revision, tag, more)
	if err != nil {
		return err
	}
	return c.Install(ctx, p, limit, progress)
}
