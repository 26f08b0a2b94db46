package analyze

import (
	"context"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"outrigger.dev/outrigger/inject"
	"outrigger.dev/outrigger/internal/dryrun"
)

// A Pod is one that is there, or one that a workload would make.
type Pod struct {
	Object
	// Running says that the object is the pod, and not what makes it.
	Running bool
	// Verdict is shared by all pods that a webhook cannot tell apart. It must not be
	// changed.
	*Verdict
}

// A Verdict is what would become of a pod if it were created now.
type Verdict struct {
	Before *corev1.Pod
	// Revision is the one whose webhook is called; where none is, the first of the
	// scene's.
	Revision string
	Call     dryrun.Call
	Result   inject.Result
	// Fault is why there is no result.
	Fault error
	// After is the pod as it becomes; nil for one that is not injected.
	After *corev1.Pod
}

// Injected says whether a new pod would have a sidecar.
func (v *Verdict) Injected() bool {
	return v.Call.Called && v.Fault == nil && v.Result.Decision.Verdict == inject.Inject
}

// Pods are the pods of the namespaces that are looked at, those that run and those that
// workloads would make, in the order of the scene. The error is about objects that
// cannot be read.
func (s *Scene) Pods(ctx context.Context) ([]Pod, error) {
	if !s.laid {
		s.laid = true
		s.lay()
		s.podErr = s.decide(ctx)
	}
	return s.pods, s.podErr
}

// madeByAnother says whether a workload's template is another workload's, which is
// looked at itself: a ReplicaSet's is its Deployment's.
func madeByAnother(o Object) bool {
	return o.Kind != "Pod" && slices.ContainsFunc(o.Owners, func(r metav1.OwnerReference) bool { return r.Controller != nil && *r.Controller })
}

// verdict is what would become of an object's pod.
func (s *Scene) verdict(ctx context.Context, o Object, w inject.Workload) (*Verdict, error) {
	v := &Verdict{Before: &corev1.Pod{}}
	if err := (Object{Subject: o.Subject, JSON: w.Pod}).into(v.Before); err != nil {
		return nil, err
	}
	request := inject.Request{
		Pod: w.Pod, Namespace: s.namespace(o.Namespace), Native: s.Native, ProxyConfigs: s.ProxyConfigs, Owner: w.Owner(),
	}
	in := s.called(ctx, v, request.Namespace)
	v.Result, v.Fault = in.Inject(request)
	if !v.Injected() {
		return v, nil
	}
	v.After = &corev1.Pod{}
	return v, Object{Subject: o.Subject, JSON: v.Result.Pod()}.into(v.After)
}

// called finds the injector that the API server calls first; the scene's first where it
// calls none.
func (s *Scene) called(ctx context.Context, v *Verdict, ns inject.Namespace) *inject.Injector {
	for i, in := range s.Injectors {
		webhooks := s.Webhooks
		webhooks.Revision = in.Revision()
		call := s.matcher.Match(ctx, webhooks, v.Before, ns)
		if i == 0 || call.Called {
			v.Call, v.Revision = call, in.Revision()
		}
		if call.Called {
			return in
		}
	}
	return s.Injectors[0]
}
