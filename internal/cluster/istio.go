package cluster

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"

	"outrigger.dev/outrigger/inject"
)

// together is how long both ConfigMaps of an Istio must stand still to count. Who
// upgrades Istio writes one after the other, with a few calls in between.
const together = 250 * time.Millisecond

// Istio is the configuration of an istiod, in the two ConfigMaps that it reads
// itself: istio-sidecar-injector with the keys config and values, and istio with
// the key mesh. Together they are one version, which is there once both are. It
// is a [Source].
type Istio struct {
	Client    corev1client.CoreV1Interface
	Namespace string
	// Revision is the istiod's. The names of a revision's ConfigMaps end in it;
	// "" and "default" are none.
	Revision string

	seen atomic.Pointer[istioConfigMaps]
}

// istioConfigMaps are the two as they were offered; nil for one that was missing.
type istioConfigMaps struct {
	injector, mesh *corev1.ConfigMap
}

// Watch offers both ConfigMaps as one version until ctx ends. Where one of them
// is missing, that is offered.
func (i *Istio) Watch(ctx context.Context, offer func(Version)) {
	names := []types.NamespacedName{
		{Namespace: i.Namespace, Name: i.injectorName()}, {Namespace: i.Namespace, Name: i.meshName()},
	}
	followConfigMaps(ctx, i.Client, names, together, func(found []*corev1.ConfigMap) {
		pair := &istioConfigMaps{injector: found[0], mesh: found[1]}
		i.seen.Store(pair)
		offer(i.version(pair))
	})
}

// version is what both ConfigMaps say together.
func (i *Istio) version(pair *istioConfigMaps) Version {
	for _, part := range []struct {
		name, key string
		is        *corev1.ConfigMap
	}{
		{i.injectorName(), configKey, pair.injector},
		{i.injectorName(), valuesKey, pair.injector},
		{i.meshName(), meshKey, pair.mesh},
	} {
		if part.is == nil {
			return Version{Err: fmt.Errorf("%q does not exist", part.name)}
		}
		if _, ok := part.is.Data[part.key]; !ok {
			return Version{Err: fmt.Errorf("%q has no key %q", part.name, part.key)}
		}
	}
	version := Version{Sources: sources(pair.injector)}
	version.Sources.Mesh = []byte(pair.mesh.Data[meshKey])
	return version
}

// Refused leaves an event on the ConfigMap that is to blame.
func (i *Istio) Refused(ctx context.Context, why error) error {
	pair := i.seen.Load()
	if pair == nil {
		return errors.New("nothing was read")
	}
	about := pair.blamed()
	if about == nil {
		return nil // there is nothing to leave it on
	}
	version := about.ResourceVersion
	if pair.injector != nil && pair.mesh != nil {
		version = pair.injector.ResourceVersion + " " + pair.mesh.ResourceVersion
	}
	return leaveRefusal(ctx, i.Client, about, version, why)
}

// blamed is the ConfigMap that a refusal is about: the mesh's where that one does
// not parse, or is the only one there is, and else the injector's.
func (p *istioConfigMaps) blamed() *corev1.ConfigMap {
	if p.injector == nil {
		return p.mesh
	}
	if p.mesh != nil {
		mesh, ok := p.mesh.Data[meshKey]
		if _, err := inject.ParseMesh([]byte(mesh)); !ok || err != nil {
			return p.mesh
		}
	}
	return p.injector
}

// String names the two ConfigMaps.
func (i *Istio) String() string {
	return fmt.Sprintf("configmaps %q and %q", i.Namespace+"/"+i.injectorName(), i.Namespace+"/"+i.meshName())
}

func (i *Istio) injectorName() string { return i.revised("istio-sidecar-injector") }

func (i *Istio) meshName() string { return i.revised("istio") }

// revised is a name with the revision where that is not the default.
func (i *Istio) revised(name string) string {
	if i.Revision == "" || i.Revision == "default" {
		return name
	}
	return name + "-" + i.Revision
}
