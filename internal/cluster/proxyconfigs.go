package cluster

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	networking "istio.io/api/networking/v1beta1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/cache"

	"outrigger.dev/outrigger/inject"
)

// proxyConfigVersions are the versions of Istio's group networking.istio.io that
// ProxyConfigs may be served in, the better first. Which version the group prefers
// says nothing: it has kinds that are further on.
var proxyConfigVersions = []string{"v1", "v1beta1"}

const (
	// absent is how often a cluster without the kind ProxyConfig is asked for it:
	// two questions that are answered from memory.
	absent = 10 * time.Second
	// gap is how long to wait before a watch that has ended is begun again.
	gap = time.Second
)

// served tells which resources a version of a group has.
type served interface {
	ServerResourcesForGroupVersionWithContext(ctx context.Context, groupVersion string) (*metav1.APIResourceList, error)
}

// ProxyConfigs knows Istio's resources of that kind. A cluster that does not have
// the kind has none of them, until it has. Safe for concurrent use.
type ProxyConfigs struct {
	served   served
	client   dynamic.Interface
	revision string
	log      *slog.Logger

	known  atomic.Pointer[map[string][]inject.ProxyConfig]
	synced atomic.Bool
	// generation counts up after what is known has changed.
	generation atomic.Uint64

	// The rest belongs to Run. said is what was last said about the kind itself.
	all  map[string]map[string]proxyConfig // by namespace and name
	said string
}

// A proxyConfig is what is kept of a resource.
type proxyConfig struct {
	inject.ProxyConfig
	created time.Time
	version string
	// ours is false for a resource of another revision.
	ours bool
	err  error
}

// NewProxyConfigs needs the right to list and watch proxyconfigs in the group
// networking.istio.io. Resources that are labelled for another revision are left
// out, as istiod leaves them out.
func NewProxyConfigs(served served, client dynamic.Interface, revision string, log *slog.Logger) *ProxyConfigs {
	p := &ProxyConfigs{served: served, client: client, revision: cmp.Or(revision, "default"), log: log}
	p.publish(nil)
	return p
}

// In gives the resources of a namespace, oldest first. They are shared and must
// not be changed.
func (p *ProxyConfigs) In(namespace string) []inject.ProxyConfig { return (*p.known.Load())[namespace] }

// Generation is another number once In may have come to answer differently.
func (p *ProxyConfigs) Generation() uint64 { return p.generation.Load() }

// Synced says whether every resource there was at the start is known. In a
// cluster without the kind it is true.
func (p *ProxyConfigs) Synced() bool { return p.synced.Load() }

// Run watches until ctx ends.
func (p *ProxyConfigs) Run(ctx context.Context) {
	for ctx.Err() == nil {
		wait := p.follow(ctx)
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
}

// follow finds the version that the kind is served in and watches that until the
// watch ends. It returns how long to wait before it is called again.
func (p *ProxyConfigs) follow(ctx context.Context) time.Duration {
	resource, err := p.find(ctx)
	switch {
	case err != nil:
	case resource.Empty():
		p.say(slog.LevelInfo, "no ProxyConfigs: this cluster does not have the kind")
		p.replace(nil)
		p.synced.Store(true)
		return absent
	default:
		err = p.reflector(resource).ListAndWatchWithContext(ctx)
	}
	if err == nil || apierrors.IsNotFound(err) || ctx.Err() != nil {
		return gap // the watch was cut, the kind was taken away, or we stop
	}
	p.say(slog.LevelWarn, "ProxyConfigs cannot be read", "err", err)
	return absent
}

func (p *ProxyConfigs) reflector(resource schema.GroupVersionResource) *cache.Reflector {
	expected := &unstructured.Unstructured{}
	expected.SetGroupVersionKind(resource.GroupVersion().WithKind("ProxyConfig"))
	return cache.NewReflectorWithOptions(listerWatcher(p.client.Resource(resource), ""), expected, mirror[proxyConfig]{
		read: p.read,
		replace: func(all []proxyConfig) {
			p.said = ""
			p.replace(all)
			p.synced.Store(true)
		},
		set:    p.set,
		remove: p.remove,
	}, cache.ReflectorOptions{Name: "proxyconfigs"})
}

// find is the resource as it is served, or an empty one where it is not.
func (p *ProxyConfigs) find(ctx context.Context) (schema.GroupVersionResource, error) {
	for _, version := range proxyConfigVersions {
		resource := schema.GroupVersionResource{Group: "networking.istio.io", Version: version, Resource: "proxyconfigs"}
		served, err := p.served.ServerResourcesForGroupVersionWithContext(ctx, resource.GroupVersion().String())
		if apierrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			return schema.GroupVersionResource{}, err
		}
		if slices.ContainsFunc(served.APIResources, func(r metav1.APIResource) bool { return r.Name == resource.Resource }) {
			return resource, nil
		}
	}
	return schema.GroupVersionResource{}, nil
}

// say logs what is the matter with the kind, once for as long as it is.
func (p *ProxyConfigs) say(level slog.Level, message string, args ...any) {
	if text := fmt.Sprint(message, args); text != p.said {
		p.said = text
		p.log.Log(context.Background(), level, message, args...)
	}
}

// read makes what is kept of a resource.
func (p *ProxyConfigs) read(object any) proxyConfig {
	from := object.(*unstructured.Unstructured)
	kept := proxyConfig{
		ProxyConfig: inject.ProxyConfig{Namespace: from.GetNamespace(), Name: from.GetName(), Spec: &networking.ProxyConfig{}},
		created:     from.GetCreationTimestamp().Time,
		version:     from.GetResourceVersion(),
	}
	revision, labelled := from.GetLabels()[inject.RevisionLabel]
	kept.ours = !labelled || revision == p.revision
	spec, err := json.Marshal(from.Object["spec"])
	if err == nil && string(spec) != "null" {
		err = protojson.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(spec, kept.Spec)
	}
	kept.err = err
	return kept
}

// replace takes all resources in the place of those before.
func (p *ProxyConfigs) replace(all []proxyConfig) {
	before := p.all
	p.all = map[string]map[string]proxyConfig{}
	known, changed := map[string][]inject.ProxyConfig{}, len(all) != count(before)
	for _, resource := range all {
		changed = p.keep(before, resource) || changed
	}
	if !changed {
		return
	}
	for namespace := range p.all {
		known[namespace] = p.in(namespace)
	}
	p.publish(known)
}

func count(all map[string]map[string]proxyConfig) (count int) {
	for _, of := range all {
		count += len(of)
	}
	return count
}

func (p *ProxyConfigs) set(resource proxyConfig) {
	if p.keep(p.all, resource) {
		p.renew(resource.Namespace)
	}
}

func (p *ProxyConfigs) remove(resource proxyConfig) {
	delete(p.all[resource.Namespace], resource.Name)
	p.renew(resource.Namespace)
}

// keep keeps a resource, and says whether it is another one than before. Of one
// that is left out it complains then.
func (p *ProxyConfigs) keep(before map[string]map[string]proxyConfig, resource proxyConfig) bool {
	was := before[resource.Namespace][resource.Name]
	if p.all[resource.Namespace] == nil {
		p.all[resource.Namespace] = map[string]proxyConfig{}
	}
	p.all[resource.Namespace][resource.Name] = resource
	if was.version == resource.version {
		return false
	}
	if resource.ours && resource.err != nil {
		p.log.Warn("ProxyConfig left out", "err", fmt.Errorf("%s: %w", resource, resource.err))
	}
	return true
}

// renew makes what is kept of a namespace what is known.
func (p *ProxyConfigs) renew(namespace string) {
	known := maps.Clone(*p.known.Load())
	known[namespace] = p.in(namespace)
	if known[namespace] == nil {
		delete(known, namespace)
	}
	p.publish(known)
}

// publish makes known what In gives from now on. Who reads has the map of before,
// or this one.
func (p *ProxyConfigs) publish(known map[string][]inject.ProxyConfig) {
	p.known.Store(&known)
	p.generation.Add(1)
}

// in is what counts of a namespace, in its order.
func (p *ProxyConfigs) in(namespace string) []inject.ProxyConfig {
	oldest := slices.SortedFunc(maps.Values(p.all[namespace]), func(a, b proxyConfig) int {
		return cmp.Or(a.created.Compare(b.created), cmp.Compare(a.Name, b.Name))
	})
	var counts []inject.ProxyConfig
	for _, resource := range oldest {
		if resource.ours && resource.err == nil {
			counts = append(counts, resource.ProxyConfig)
		}
	}
	return counts
}
