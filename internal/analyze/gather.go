package analyze

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/pager"

	"outrigger.dev/outrigger/internal/dryrun"
)

// A Cluster is what a scene is gathered from.
type Cluster struct {
	Client kubernetes.Interface
	// Namespace is the one whose pods and workloads are read; "" for all.
	Namespace string
	// Also are namespaces that are looked up besides, for what is in files.
	Also []string
	// Revision is the installation whose webhooks the chart's stand in for where none
	// may be read.
	Revision string
	// Progress, unless nil, is told how many objects of a resource have been read. It
	// is called by one goroutine at a time.
	Progress func(resource string, count int)
}

// Unseen is a resource that could not be read, as a rule for lack of a right.
type Unseen struct {
	// Resource is like "pods".
	Resource string
	Err      error
}

// Error says what was not read, and why.
func (u Unseen) Error() string { return fmt.Sprintf("%s are not looked at: %v", u.Resource, u.Err) }

const (
	// page is how many objects are read at a time, and so about what is in memory
	// beside what is kept.
	page = 100
	// readers is how many resources are read at a time.
	readers = 2
)

// Gather reads what a cluster has into a scene, all but the injectors, the native
// sidecars and the ProxyConfigs. What may not be read, or is not served, is
// [Scene.Unseen]. It keeps of pods of a workload one, and the names of the others.
func (c Cluster) Gather(ctx context.Context) (*Scene, error) {
	g := gathering{Cluster: c, found: make([][]Object, len(resources)+1)}
	scene := &Scene{Live: true, Now: time.Now()}
	if c.Namespace != "" {
		scene.Only = []string{c.Namespace}
	}
	err := g.readWebhooks(ctx, scene)
	if err != nil {
		return nil, err
	}
	group, reading := errgroup.WithContext(ctx)
	group.SetLimit(readers)
	group.Go(func() error { return g.readServices(reading, scene.services()) })
	for i, r := range resources {
		group.Go(func() error { return g.read(reading, r, i) })
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	g.readServed(ctx, scene)
	scene.Objects, scene.Unseen = slices.Concat(g.found...), g.unseen
	slices.SortFunc(scene.Unseen, func(a, b Unseen) int { return bytes.Compare([]byte(a.Resource), []byte(b.Resource)) })
	return scene, nil
}

// A gathering is one on its way.
type gathering struct {
	Cluster
	mu     sync.Mutex
	unseen []Unseen
	// found are the objects, by the resource.
	found [][]Object
}

// skip says whether an error is one of a resource that is left out, and notes that.
func (g *gathering) skip(resource string, err error) bool {
	if !apierrors.IsForbidden(err) && !apierrors.IsNotFound(err) && !apierrors.IsMethodNotSupported(err) {
		return false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.unseen = append(g.unseen, Unseen{resource, err})
	return true
}

func (g *gathering) tell(resource string, count int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.Progress != nil {
		g.Progress(resource, count)
	}
}

// readWebhooks reads the webhook configurations; the chart's stand in for those that may
// not be read.
func (g *gathering) readWebhooks(ctx context.Context, scene *Scene) error {
	const resource = "mutatingwebhookconfigurations"
	scene.Webhooks = dryrun.Configurations{From: "live", Revision: g.Revision}
	list, err := g.Client.AdmissionregistrationV1().MutatingWebhookConfigurations().List(ctx, metav1.ListOptions{})
	switch {
	case err != nil && !g.skip(resource, err):
		return fmt.Errorf("%s: %w", resource, err)
	case err != nil:
		chart, err := dryrun.ChartWebhooks(g.Revision)
		scene.Webhooks.From, scene.Webhooks.List = "chart", []admissionv1.MutatingWebhookConfiguration{chart}
		return err
	}
	for i := range list.Items {
		list.Items[i].ManagedFields = nil
	}
	scene.Webhooks.List = list.Items
	g.tell(resource, len(list.Items))
	return nil
}

// read reads all objects of a resource.
func (g *gathering) read(ctx context.Context, r resource, at int) error {
	err := g.pages(ctx, r, g.Namespace, at)
	if g.Namespace != "" && r.of.Kind == "Namespace" && apierrors.IsNotFound(err) {
		return fmt.Errorf("namespace %q does not exist", g.Namespace)
	}
	if err != nil && !g.skip(r.name, err) {
		return fmt.Errorf("%s: %w", r.name, err)
	}
	g.tell(r.name, len(g.found[at]))
	return nil
}

// pages reads a resource page by page. Objects that are the same share what they have.
func (g *gathering) pages(ctx context.Context, r resource, namespace string, at int) error {
	if namespace != "" && r.of.Kind == "Namespace" {
		return g.namespaces(ctx, r, at)
	}
	known := map[[sha256.Size]byte]Object{}
	list := pager.New(r.list(g.Client, namespace))
	list.PageSize, list.PageBufferSize = page, 1
	return list.EachListItem(ctx, metav1.ListOptions{FieldSelector: r.only}, func(o runtime.Object) error {
		if n := len(g.found[at]); n > 0 && n%page == 0 {
			g.tell(r.name, n)
		}
		return g.keep(o, r, at, known)
	})
}

// namespaces reads those that are named, where not all are looked at. One that only files
// speak of need not be there.
func (g *gathering) namespaces(ctx context.Context, r resource, at int) error {
	for _, name := range slices.Compact(slices.Sorted(slices.Values(append([]string{g.Namespace}, g.Also...)))) {
		ns, err := g.Client.CoreV1().Namespaces().Get(ctx, name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) && name != g.Namespace {
			continue
		}
		if err != nil {
			return err
		}
		if err := g.keep(ns, r, at, nil); err != nil {
			return err
		}
	}
	return nil
}

// keep adds an object, with what is known of one like it.
func (g *gathering) keep(from runtime.Object, r resource, at int, known map[[sha256.Size]byte]Object) error {
	o, err := lean(from, r.of)
	if err != nil || r.unless != nil && r.unless(o) {
		return err
	}
	if known != nil {
		id := sha256.Sum256(o.JSON)
		if same, ok := known[id]; ok {
			o.Labels, o.Annotations, o.Owners, o.JSON = same.Labels, same.Annotations, same.Owners, same.JSON
		} else {
			known[id] = o
		}
	}
	g.found[at] = append(g.found[at], o)
	return nil
}

// services are those that the injectors' webhooks call.
func (s *Scene) services() []admissionv1.ServiceReference {
	var all []admissionv1.ServiceReference
	for _, c := range s.Webhooks.List {
		for _, hook := range c.Webhooks {
			if ref := hook.ClientConfig.Service; ref != nil && isInjector(c) {
				all = append(all, admissionv1.ServiceReference{Namespace: ref.Namespace, Name: ref.Name})
			}
		}
	}
	slices.SortFunc(all, func(a, b admissionv1.ServiceReference) int {
		return bytes.Compare([]byte(a.Namespace+"/"+a.Name), []byte(b.Namespace+"/"+b.Name))
	})
	return slices.Compact(all)
}

// readServices reads the Services of webhooks, and who answers for them.
func (g *gathering) readServices(ctx context.Context, all []admissionv1.ServiceReference) error {
	at := len(resources)
	for _, ref := range all {
		service, err := g.Client.CoreV1().Services(ref.Namespace).Get(ctx, ref.Name, metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err):
			continue // which is a finding
		case err != nil && !g.skip("services", err):
			return fmt.Errorf("service %q: %w", ref.Namespace+"/"+ref.Name, err)
		case err != nil:
			continue
		}
		if err := g.keep(service, resource{of: corev1.SchemeGroupVersion.WithKind("Service")}, at, nil); err != nil {
			return err
		}
		if err := g.readSlices(ctx, ref, at); err != nil && !g.skip("endpointslices", err) {
			return fmt.Errorf("endpointslices: %w", err)
		}
	}
	return nil
}
