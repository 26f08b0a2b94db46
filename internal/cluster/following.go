package cluster

import (
	"context"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/tools/cache"
)

// followConfigMaps tells what the ConfigMaps of these names are, in the order of
// the names, nil for one that is missing: first when all are known, and then
// whenever one has changed and all have stood still for quiet. It returns when ctx
// ends. What came in between may be left out, the newest never is.
func followConfigMaps(
	ctx context.Context, client corev1client.ConfigMapsGetter, names []types.NamespacedName, quiet time.Duration, tell func([]*corev1.ConfigMap),
) {
	changed := make(chan struct{}, 1)
	poke := func(any) {
		select {
		case changed <- struct{}{}:
		default: // the newest is about to be read anyway
		}
	}
	var running sync.WaitGroup
	defer running.Wait()
	var stores []cache.Store
	for _, name := range names {
		store, controller := cache.NewInformerWithOptions(cache.InformerOptions{
			ListerWatcher: listerWatcher(client.ConfigMaps(name.Namespace), name.Name),
			ObjectType:    &corev1.ConfigMap{},
			Handler: cache.ResourceEventHandlerFuncs{
				AddFunc: poke, UpdateFunc: func(_, object any) { poke(object) }, DeleteFunc: poke,
			},
		})
		running.Go(func() { controller.RunWithContext(ctx) })
		if !cache.WaitForCacheSync(ctx.Done(), controller.HasSynced) {
			return
		}
		stores = append(stores, store)
	}
	for told := "nothing"; ; {
		if found, version := held(stores, names); version != told {
			told = version
			tell(found)
		}
		select {
		case <-ctx.Done():
			return
		case <-changed:
			settle(ctx, changed, quiet)
		}
	}
}

// held is what the stores hold of these names, and a text that differs where that
// does.
func held(stores []cache.Store, names []types.NamespacedName) (found []*corev1.ConfigMap, version string) {
	found = make([]*corev1.ConfigMap, len(stores))
	for i, store := range stores {
		object, ok, err := store.GetByKey(names[i].String())
		if ok && err == nil {
			found[i] = object.(*corev1.ConfigMap)
			version += string(found[i].UID) + " " + found[i].ResourceVersion
		}
		version += "; "
	}
	return found, version
}

// patience is how long a change is waited with while others keep coming.
const patience = 10 * time.Second

// settle returns when nothing has changed for quiet, or ctx ends.
func settle(ctx context.Context, changed <-chan struct{}, quiet time.Duration) {
	if quiet == 0 {
		return
	}
	enough := time.After(patience)
	for {
		select {
		case <-changed:
		case <-time.After(quiet):
			return
		case <-enough:
			return
		case <-ctx.Done():
			return
		}
	}
}
