package analyze

import (
	"context"
	"errors"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"outrigger.dev/outrigger/inject"
	"outrigger.dev/outrigger/internal/dryrun"
)

// A Scene is what is looked at.
type Scene struct {
	// Objects are those of a cluster and of files. Where two are the same, the later
	// one counts, as it would after kubectl apply.
	Objects []Object
	// Only are the namespaces whose objects are looked at; nil for all. The others
	// are there for what they say about those. What is in a file is always looked at.
	Only []string
	// Live says that Objects has all that the cluster has. Otherwise what is not there
	// may be all the same, and is not missed.
	Live bool
	// Unseen is what of the cluster could not be read: it is not missed either.
	Unseen []Unseen
	// Webhooks are those of the cluster, or the chart's.
	Webhooks dryrun.Configurations
	// Injectors are those of the revisions that are installed. Without any nothing is
	// known of pods.
	Injectors []*inject.Injector
	// Native and ProxyConfigs are as in [inject.Request].
	Native       func(*corev1.PodSpec) inject.Native
	ProxyConfigs func(namespace string) []inject.ProxyConfig
	// Served is what answers where webhooks call, by [Endpoint]; what is not in it is not
	// known. Now is when that was; certificates are not held against a zero one.
	Served map[string]Served
	Now    time.Time

	laid       bool
	matcher    dryrun.Matcher
	namespaces map[string]inject.Namespace
	pods       []Pod
	// podErr is about objects that cannot be read as what has pods.
	podErr error
}

// Analyze looks at everything and returns what is wrong, the worst first. An error is
// about objects that cannot be read; there may be findings all the same.
func (s *Scene) Analyze(ctx context.Context) ([]Finding, error) {
	_, err := s.Pods(ctx)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	all, errs := []Finding{}, []error{err}
	for _, a := range analyzers {
		found, err := a.find(s)
		if err != nil {
			errs = append(errs, err)
		}
		for _, f := range found {
			if !s.looksAt(f.Object) {
				continue
			}
			f.Code, f.Name, f.Severity = a.Code, a.Name, a.Severity
			all = append(all, f)
		}
	}
	return sorted(all), errors.Join(errs...)
}

// looksAt says whether something is one of those that findings are wanted of.
func (s *Scene) looksAt(of Subject) bool {
	namespace := of.Namespace
	if of.Kind == "Namespace" {
		namespace = of.Name
	}
	return s.Only == nil || namespace == "" || of.File != "" || slices.Contains(s.Only, namespace)
}

// lay lays later objects over earlier ones of the same name.
func (s *Scene) lay() {
	type identity struct{ kind, namespace, name string }
	last := map[identity]int{}
	var all []Object
	for _, o := range s.Objects {
		id := identity{o.Kind, o.Namespace, o.Name}
		if at, ok := last[id]; ok {
			all[at] = o
			continue
		}
		last[id] = len(all)
		all = append(all, o)
	}
	s.Objects = all
	s.namespaces = map[string]inject.Namespace{}
	for _, o := range s.kind("Namespace") {
		s.namespaces[o.Name] = inject.Namespace{Name: o.Name, Labels: o.Labels, Annotations: o.Annotations}
	}
}

// kind are the objects of a kind.
func (s *Scene) kind(kind string) []Object {
	var all []Object
	for _, o := range s.Objects {
		if o.Kind == kind {
			all = append(all, o)
		}
	}
	return all
}

// namespace is what is known of a namespace. Of one that is in no file, or that may not
// be read, the labels are not known: it counts as enabled, as in outrigger inject.
func (s *Scene) namespace(name string) inject.Namespace {
	if ns, ok := s.namespaces[name]; ok {
		return ns
	}
	return inject.Namespace{Name: name, Unknown: !s.knowsAll("namespaces")}
}

// knowsAll says whether what is not there of a resource is not there indeed.
func (s *Scene) knowsAll(resource string) bool {
	return s.Live && !slices.ContainsFunc(s.Unseen, func(u Unseen) bool { return u.Resource == resource })
}
