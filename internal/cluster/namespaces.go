package cluster

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/metadata/metadatainformer"
	"k8s.io/client-go/tools/cache"

	"outrigger.dev/outrigger/inject"
)

// kept are the annotations of a namespace that somebody reads: OpenShift's
// ranges of user and group ids. The rest may be large, and is not kept.
var kept = []string{"openshift.io/sa.scc.uid-range", "openshift.io/sa.scc.supplemental-groups"}

// Namespaces knows the labels of every namespace, and some annotations. It asks
// for metadata only. Safe for concurrent use.
type Namespaces struct {
	client   metadata.Getter
	informer cache.SharedIndexInformer
}

// NewNamespaces needs the right to get, list and watch namespaces.
func NewNamespaces(client metadata.Interface) (*Namespaces, error) {
	resource := corev1.SchemeGroupVersion.WithResource("namespaces")
	informer := metadatainformer.NewFilteredMetadataInformer(client, resource, metav1.NamespaceAll, 0, cache.Indexers{}, nil).Informer()
	if err := informer.SetTransform(trimNamespace); err != nil {
		return nil, err
	}
	return &Namespaces{client: client.Resource(resource), informer: informer}, nil
}

// Run watches until ctx ends.
func (n *Namespaces) Run(ctx context.Context) { n.informer.RunWithContext(ctx) }

// Synced says whether every namespace there was at the start is known.
func (n *Namespaces) Synced() bool { return n.informer.HasSynced() }

// Cached answers from memory; it is false for a namespace not seen so far. The
// maps are shared and must not be changed.
func (n *Namespaces) Cached(name string) (inject.Namespace, bool) {
	object, seen, err := n.informer.GetStore().GetByKey(name)
	if err != nil || !seen {
		return inject.Namespace{}, false
	}
	return facts(object.(*metav1.PartialObjectMetadata)), true
}

// Live asks the API server, which answers with what is stored at this moment.
func (n *Namespaces) Live(ctx context.Context, name string) (inject.Namespace, error) {
	object, err := n.client.Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return inject.Namespace{}, err
	}
	return facts(object), nil
}

func facts(object *metav1.PartialObjectMetadata) inject.Namespace {
	return inject.Namespace{Name: object.Name, Labels: object.Labels, Annotations: object.Annotations}
}

// trimNamespace leaves of a namespace what is read, and what an informer needs.
func trimNamespace(object any) (any, error) {
	namespace, ok := object.(*metav1.PartialObjectMetadata)
	if !ok {
		return object, nil // a tombstone, or trimmed already
	}
	var annotations map[string]string
	for _, key := range kept {
		if value, ok := namespace.Annotations[key]; ok {
			if annotations == nil {
				annotations = map[string]string{}
			}
			annotations[key] = value
		}
	}
	return &metav1.PartialObjectMetadata{
		TypeMeta: namespace.TypeMeta,
		ObjectMeta: metav1.ObjectMeta{
			Name:            namespace.Name,
			UID:             namespace.UID,
			ResourceVersion: namespace.ResourceVersion,
			Labels:          namespace.Labels,
			Annotations:     annotations,
		},
	}, nil
}
