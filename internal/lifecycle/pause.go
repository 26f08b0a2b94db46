package lifecycle

import (
	"context"
	"fmt"
	"time"
)

// Pause makes every entry of our webhook configurations match nothing, of one revision or,
// where that is "", of all: pods are created as if there were no Outrigger. Selectors and
// everything else stay. It gives the names of what was paused, which is nothing where all
// is paused already.
func (c *Cluster) Pause(ctx context.Context, revision string) ([]string, error) {
	return c.pause(ctx, revision, "since "+time.Now().UTC().Format(time.RFC3339), true)
}

// Resume undoes Pause.
func (c *Cluster) Resume(ctx context.Context, revision string) ([]string, error) {
	return c.pause(ctx, revision, "", false)
}

func (c *Cluster) pause(ctx context.Context, revision, why string, off bool) (done []string, err error) {
	list, err := c.webhooks(ctx, revision)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 && revision == "" {
		return nil, fmt.Errorf("no webhook configuration in this cluster is Outrigger's")
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("revision %q: no webhook configuration in this cluster is of it", revision)
	}
	for _, m := range list {
		changed, err := c.setCondition(ctx, m.Name, paused, why, off)
		if err != nil {
			return done, err
		}
		if changed {
			done = append(done, m.Name)
		}
	}
	return done, nil
}

// Paused are the names of those of our webhook configurations that are paused, with
// since when.
func (c *Cluster) Paused(ctx context.Context) (map[string]string, error) {
	list, err := c.webhooks(ctx, "")
	if err != nil {
		return nil, err
	}
	found := map[string]string{}
	for _, m := range list {
		if isOff(&m, paused) {
			found[m.Name] = m.Annotations[annotationOf(paused)]
		}
	}
	return found, nil
}
