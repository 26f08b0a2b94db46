package cluster

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Now reads the version that there is, once. It needs only the right to get the
// ConfigMap. One that is missing is the version's error, one that may not be read is Now's.
func (c *ConfigMap) Now(ctx context.Context) (Version, error) {
	found, err := c.get(ctx, c.Name)
	return versionIn(found), err
}

// get is a ConfigMap, nil where it is missing.
func (c *ConfigMap) get(ctx context.Context, name string) (*corev1.ConfigMap, error) {
	found, err := c.Client.ConfigMaps(c.Namespace).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	return found, err
}

// Now reads both ConfigMaps, once, as [ConfigMap.Now] does.
func (i *Istio) Now(ctx context.Context) (Version, error) {
	from := &ConfigMap{Client: i.Client, Namespace: i.Namespace}
	injector, err := from.get(ctx, i.injectorName())
	if err != nil {
		return Version{}, err
	}
	mesh, err := from.get(ctx, i.meshName())
	if err != nil {
		return Version{}, err
	}
	return i.version(&istioConfigMaps{injector: injector, mesh: mesh}), nil
}
