package cluster

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/util/retry"

	"outrigger.dev/outrigger/inject"
)

// The keys of a ConfigMap, and the names of files, that hold a configuration.
const (
	configKey = "config"
	valuesKey = "values"
	meshKey   = "mesh"
)

// LastGood keeps the last good configuration in a ConfigMap, under the keys of
// the original. Replicas need not agree on who writes: each writes a version
// that it has proved, and the last one stays.
//
// The chart makes the ConfigMap, empty, and gives the right to get and patch
// just that one. Where there is none one is created, for a server that was given
// the right.
type LastGood struct {
	ConfigMaps corev1client.ConfigMapInterface
	// Namespace is the one that ConfigMaps reads and writes.
	Namespace string
	Name      string
}

// Load returns what is kept. Nothing kept is an error.
func (l *LastGood) Load(ctx context.Context) (inject.Sources, error) {
	kept, err := l.ConfigMaps.Get(ctx, l.Name, metav1.GetOptions{})
	if err != nil {
		return inject.Sources{}, fmt.Errorf("%s: %w", l, err)
	}
	if _, ok := kept.Data[configKey]; !ok {
		return inject.Sources{}, fmt.Errorf("%s: is empty", l)
	}
	return sources(kept), nil
}

// Save keeps good, and writes only where something else is kept.
func (l *LastGood) Save(ctx context.Context, good inject.Sources) error {
	passing := func(err error) bool {
		return !apierrors.IsForbidden(err) && !apierrors.IsInvalid(err) && ctx.Err() == nil
	}
	if err := retry.OnError(retry.DefaultBackoff, passing, func() error { return l.save(ctx, good) }); err != nil {
		return fmt.Errorf("%s: %w", l, err)
	}
	return nil
}

func (l *LastGood) save(ctx context.Context, good inject.Sources) error {
	data := map[string]string{configKey: string(good.Config), valuesKey: string(good.Values), meshKey: string(good.Mesh)}
	kept, err := l.ConfigMaps.Get(ctx, l.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		_, err = l.ConfigMaps.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: l.Name}, Data: data},
			metav1.CreateOptions{FieldManager: fieldManager})
		return err
	}
	if err != nil {
		return err
	}
	before := sources(kept)
	if bytes.Equal(before.Config, good.Config) && bytes.Equal(before.Values, good.Values) && bytes.Equal(before.Mesh, good.Mesh) {
		return nil
	}
	patch, _ := json.Marshal(map[string]any{"data": data}) // strings always marshal
	_, err = l.ConfigMaps.Patch(ctx, l.Name, types.MergePatchType, patch, metav1.PatchOptions{FieldManager: fieldManager})
	return err
}

// String names the ConfigMap.
func (l *LastGood) String() string { return configMapName(l.Namespace, l.Name) }

// sources are the texts in a ConfigMap.
func sources(c *corev1.ConfigMap) inject.Sources {
	return inject.Sources{
		Config: []byte(c.Data[configKey]),
		Values: []byte(c.Data[valuesKey]),
		Mesh:   []byte(c.Data[meshKey]),
	}
}

func configMapName(namespace, name string) string {
	return fmt.Sprintf("configmap %q", namespace+"/"+name)
}
