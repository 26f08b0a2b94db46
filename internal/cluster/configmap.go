package cluster

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"sync/atomic"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/tools/cache"
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
	changed := make(chan struct{}, 1)
	poke := func() {
		select {
		case changed <- struct{}{}:
		default: // the newest is about to be read anyway
		}
	}
	store, controller := cache.NewInformerWithOptions(cache.InformerOptions{
		ListerWatcher: listerWatcher(c.Client.ConfigMaps(c.Namespace), c.Name),
		ObjectType:    &corev1.ConfigMap{},
		Handler: cache.ResourceEventHandlerFuncs{
			AddFunc:    func(any) { poke() },
			UpdateFunc: func(any, any) { poke() },
			DeleteFunc: func(any) { poke() },
		},
	})
	done := make(chan struct{})
	go func() {
		defer close(done)
		controller.RunWithContext(ctx)
	}()
	defer func() { <-done }()
	if !cache.WaitForCacheSync(ctx.Done(), controller.HasSynced) {
		return
	}
	for offered := unread; ; {
		if version, revision := c.read(store); revision != offered {
			offered = revision
			offer(version)
		}
		select {
		case <-ctx.Done():
			return
		case <-changed:
		}
	}
}

// unread is what was offered before anything was; no resource version looks so.
const unread = "unread"

// read is the version that a store holds, and the API server's own mark of it:
// "" where the ConfigMap is missing.
func (c *ConfigMap) read(store cache.Store) (version Version, revision string) {
	object, found, err := store.GetByKey(c.Namespace + "/" + c.Name)
	if err != nil || !found {
		c.seen.Store(nil)
		return Version{Err: errors.New("does not exist")}, ""
	}
	configMap := object.(*corev1.ConfigMap)
	c.seen.Store(configMap)
	if _, ok := configMap.Data[configKey]; !ok {
		return Version{Err: fmt.Errorf("has no key %q", configKey)}, configMap.ResourceVersion
	}
	return Version{Sources: sources(configMap)}, configMap.ResourceVersion
}

// maxMessage is how much of an event's message is sure to be shown, in characters.
const maxMessage = 1000

// Refused leaves an event on the ConfigMap. Its name comes from the version, so
// that all replicas together leave one.
func (c *ConfigMap) Refused(ctx context.Context, why error) error {
	about := c.seen.Load()
	if about == nil {
		return nil // there is nothing to leave it on
	}
	version := fnv.New64a()
	_, _ = version.Write([]byte(string(about.UID) + about.ResourceVersion))
	now := metav1.Now()
	_, err := c.Client.Events(c.Namespace).Create(ctx, &corev1.Event{
		ObjectMeta: metav1.ObjectMeta{Namespace: c.Namespace, Name: fmt.Sprintf("%s.%x", c.Name, version.Sum64())},
		InvolvedObject: corev1.ObjectReference{
			APIVersion: "v1", Kind: "ConfigMap", Namespace: c.Namespace, Name: c.Name,
			UID: about.UID, ResourceVersion: about.ResourceVersion,
		},
		Type:           corev1.EventTypeWarning,
		Reason:         "ConfigurationRefused",
		Message:        fmt.Sprintf("%.*s", maxMessage, "the configuration before stays in force: "+why.Error()),
		Source:         corev1.EventSource{Component: fieldManager},
		FirstTimestamp: now,
		LastTimestamp:  now,
		Count:          1,
	}, metav1.CreateOptions{FieldManager: fieldManager})
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}

// String names the ConfigMap.
func (c *ConfigMap) String() string { return configMapName(c.Namespace, c.Name) }
