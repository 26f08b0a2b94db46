package cluster

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
)

// ConfigMap is a configuration in a ConfigMap, under the keys config, values and
// mesh. It follows that one by its name, and reports to it as events. It is a
// [Source].
type ConfigMap struct {
	Client    corev1client.CoreV1Interface
	Namespace string
	Name      string

	// seen is what was offered last; nil where that was nothing.
	seen atomic.Pointer[corev1.ConfigMap]
}

// Watch offers the ConfigMap until ctx ends. Where it is missing, that is offered.
func (c *ConfigMap) Watch(ctx context.Context, offer func(Version)) {
	name := types.NamespacedName{Namespace: c.Namespace, Name: c.Name}
	followConfigMaps(ctx, c.Client, []types.NamespacedName{name}, 0, func(found []*corev1.ConfigMap) {
		c.seen.Store(found[0])
		offer(versionIn(found[0]))
	})
}

// versionIn is the version that a ConfigMap holds; nil where it is missing.
func versionIn(c *corev1.ConfigMap) Version {
	if c == nil {
		return Version{Err: errors.New("does not exist")}
	}
	if _, ok := c.Data[configKey]; !ok {
		return Version{Err: fmt.Errorf("has no key %q", configKey)}
	}
	return Version{Sources: sources(c)}
}

// Refused leaves an event on the ConfigMap.
func (c *ConfigMap) Refused(ctx context.Context, why error) error {
	about := c.seen.Load()
	if about == nil {
		return nil // there is nothing to leave it on
	}
	return leaveRefusal(ctx, c.Client, about, about.ResourceVersion, why)
}

// String names the ConfigMap.
func (c *ConfigMap) String() string { return configMapName(c.Namespace, c.Name) }

// leaveRefusal leaves an event on a ConfigMap about a version that is refused.
func leaveRefusal(ctx context.Context, client corev1client.CoreV1Interface, about *corev1.ConfigMap, version string, why error) error {
	return leaveEvent(ctx, client, corev1.ObjectReference{
		APIVersion: "v1", Kind: "ConfigMap", Namespace: about.Namespace, Name: about.Name,
		UID: about.UID, ResourceVersion: about.ResourceVersion,
	}, version, "ConfigurationRefused", "the configuration before stays in force: "+why.Error())
}
