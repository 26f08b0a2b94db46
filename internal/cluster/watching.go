package cluster

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
)

// A resource is one kind's typed client, as far as an informer needs it.
type resource[L runtime.Object] interface {
	List(context.Context, metav1.ListOptions) (L, error)
	Watch(context.Context, metav1.ListOptions) (watch.Interface, error)
}

// listerWatcher lets an informer follow a resource, or with a name the one
// object of that name: for that the right to the one name is enough.
func listerWatcher[L runtime.Object](client resource[L], name string) cache.ListerWatcher {
	only := func(o *metav1.ListOptions) {
		if name != "" {
			o.FieldSelector = fields.OneTermEqualSelector(metav1.ObjectNameField, name).String()
		}
	}
	return cache.ToListWatcherWithWatchListSemantics(&cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			only(&o)
			return client.List(ctx, o)
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			only(&o)
			return client.Watch(ctx, o)
		},
	}, client)
}

// A mirror is what a reflector keeps the same as the API server has it: all
// objects of a kind at first, and again after a gap, and each one that changes
// from then on. The reflector makes one call at a time. Of an object only what
// read makes of it is ever kept. It is a [cache.TransformingStore].
type mirror[T any] struct {
	read    func(object any) T
	replace func(all []T)
	set     func(T)
	remove  func(T)
}

// taken is what is kept of an object; a reflector has made it already where it
// collects many.
func (m mirror[T]) taken(object any) T {
	if kept, ok := object.(T); ok {
		return kept
	}
	return m.read(object)
}

// Transformer is asked for by the reflector.
func (m mirror[T]) Transformer() cache.TransformFunc {
	return func(object any) (any, error) { return m.taken(object), nil }
}

// Add is called for an object that is new.
func (m mirror[T]) Add(object any) error {
	m.set(m.taken(object))
	return nil
}

// Update is called for an object that has changed.
func (m mirror[T]) Update(object any) error { return m.Add(object) }

// Delete is called for an object that is gone.
func (m mirror[T]) Delete(object any) error {
	m.remove(m.taken(object))
	return nil
}

// Replace is called with all objects.
func (m mirror[T]) Replace(objects []any, _ string) error {
	all := make([]T, 0, len(objects))
	for _, object := range objects {
		all = append(all, m.taken(object))
	}
	m.replace(all)
	return nil
}

// Resync has nothing to do: nothing here is derived from elsewhere.
func (m mirror[T]) Resync() error { return nil }
