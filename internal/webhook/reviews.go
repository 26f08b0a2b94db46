package webhook

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	corev1 "k8s.io/api/core/v1"

	"outrigger.dev/outrigger/inject"
)

// maxLookup is how long a review waits for a namespace's labels: a second is
// half of the shortest timeout that webhooks are commonly given.
const maxLookup = time.Second

// An Injector is a configuration in force; *inject.Injector is one.
type Injector interface {
	// Skip is true for most of the pods that are to be skipped, with what Inject gives.
	Skip(inject.Request) (inject.Result, bool)
	Inject(inject.Request) (inject.Result, error)
	Hash() string
	FaultPolicy() string
}

// Namespaces knows what labels and annotations namespaces have.
type Namespaces interface {
	// Cached answers from memory. It is false for a namespace not seen so far.
	Cached(name string) (inject.Namespace, bool)
	// Live asks the API server.
	Live(ctx context.Context, name string) (inject.Namespace, error)
}

// A Cluster is what is known of one. Its functions answer from memory.
type Cluster struct {
	Namespaces Namespaces
	// Native and ProxyConfigs are handed on; see [inject.Request].
	Native       func(*corev1.PodSpec) inject.Native
	ProxyConfigs func(namespace string) []inject.ProxyConfig
	// Generation is another number once Native or ProxyConfigs may have come to
	// answer differently. Nil: they never do.
	Generation func() uint64
}

// Reviews decides about pods with what is known of the cluster.
type Reviews struct {
	// Timer, unless nil, times the steps of an answer that is made; see [Metrics.Timer].
	Timer func(context.Context) func(inject.Phase)

	injector func() Injector
	cluster  Cluster
	lookups  lookups
	memory   *memory
}

// NewReviews returns Reviews that ask injector for the configuration in force,
// which is nil as long as there is none. It is called once a review, and must not
// block.
func NewReviews(injector func() Injector, cluster Cluster) *Reviews {
	return &Reviews{
		injector: injector,
		cluster:  cluster,
		lookups:  lookups{live: cluster.Namespaces.Live, patience: maxLookup},
		memory:   newMemory(DefaultMemory),
	}
}

// Review decides about a pod. A panic becomes a fault.
//
// The cache is taken at its word as long as it agrees with the call. That the
// API server calls says that the namespace is enabled, or the pod asks; where
// the cache makes us decide otherwise, or has not heard of the namespace, it
// may only be late, and the API server is asked. If that does not help either,
// the call is trusted.
func (r *Reviews) Review(ctx context.Context, review Review) (answer Answer, err error) {
	in := r.injector()
	if in == nil {
		return Answer{}, errors.New("no configuration is in force")
	}
	answer = Answer{Config: in.Hash(), FaultPolicy: in.FaultPolicy()}
	defer func() {
		if cause := recover(); cause != nil {
			err = &inject.PanicError{Cause: cause, Stack: debug.Stack()}
		}
	}()

	request := inject.Request{
		Pod:          review.Pod,
		Glance:       review.Glance,
		Path:         review.Path,
		Native:       r.cluster.Native,
		ProxyConfigs: r.cluster.ProxyConfigs,
	}
	made, err := r.decide(ctx, in, request, review.Namespace)
	if err != nil {
		return answer, err
	}
	made.Config, made.FaultPolicy = answer.Config, answer.FaultPolicy
	return made, nil
}

// answer is what becomes of a pod. That it is skipped is decided faster than remembered.
func (r *Reviews) answer(ctx context.Context, in Injector, request inject.Request) (Answer, error) {
	if skipped, ok := r.skip(ctx, in, request); ok {
		return skipped, nil
	}
	at := epoch{injector: in}
	if r.cluster.Generation != nil {
		at.generation = r.cluster.Generation()
	}
	return r.memory.recall(at, request, func(request inject.Request) (Answer, error) {
		if r.Timer != nil {
			request.Passed = r.Timer(ctx)
		}
		result, err := in.Inject(request)
		if err != nil {
			return Answer{}, err
		}
		answer := Answer{Decision: result.Decision, Warnings: result.Warnings, Operations: len(result.Patch)}
		if len(result.Patch) > 0 {
			if answer.Patch, err = inject.EncodePatch(result.Patch); err != nil {
				return Answer{}, fmt.Errorf("patch: %w", err)
			}
		}
		return answer, nil
	})
}

func (r *Reviews) skip(ctx context.Context, in Injector, request inject.Request) (Answer, bool) {
	if r.Timer != nil {
		request.Passed = r.Timer(ctx)
	}
	result, ok := in.Skip(request)
	return Answer{Decision: result.Decision, Warnings: result.Warnings}, ok
}

// decide asks with the cached facts of the namespace first, and with live ones
// where those do not do.
func (r *Reviews) decide(ctx context.Context, in Injector, request inject.Request, namespace string) (Answer, error) {
	cached, seen := r.cluster.Namespaces.Cached(namespace)
	if seen {
		request.Namespace = cached
		answer, err := r.answer(ctx, in, request)
		if err != nil || answer.Decision.Reason != inject.NamespaceNotEnabled {
			return answer, err
		}
	}
	live, err := r.lookups.namespace(ctx, namespace)
	if err != nil {
		live = cached
		live.Name, live.Unknown = namespace, true
	}
	request.Namespace = live
	return r.answer(ctx, in, request)
}
