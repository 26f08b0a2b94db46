package analyze

import (
	"context"
	"net/url"
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
	// Outcome is what happens to a new pod, whoever decides.
	Outcome dryrun.Outcome
	// After is the pod as it becomes; nil for one that is not injected, and for one that
	// runs with a sidecar: of that there are the differences.
	After *corev1.Pod
	// Differences are the places in which a pod that runs with a sidecar is not as it
	// would be if it were created now.
	Differences []inject.Difference
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
	request.Path = s.path(v.Call)
	renews := o.live() && inject.Injected(v.Before)
	if renews {
		v.renew(in, request)
	} else {
		v.Result, v.Fault = in.Inject(request)
	}
	decision := v.Result.Decision
	if v.Fault != nil {
		decision.Reason, decision.Sentence = inject.Fault, v.Fault.Error()
	}
	v.Outcome = v.Call.Outcome(decision, v.Fault != nil, request.Namespace, v.Before)
	if renews || !v.Injected() {
		return v, nil
	}
	v.After = &corev1.Pod{}
	return v, Object{Subject: o.Subject, JSON: v.Result.Pod()}.into(v.After)
}

// renew compares a pod that runs with a sidecar with what it would be.
func (v *Verdict) renew(in *inject.Injector, request inject.Request) {
	renewal, err := in.Renew(request)
	v.Result = inject.Result{Decision: renewal.Decision, Warnings: renewal.Warnings}
	v.Fault, v.Differences = err, renewal.Differences
}

// live says whether the object is a pod that is there.
func (o Object) live() bool { return o.Kind == "Pod" && o.File == "" }

// path is what the URL path says by which the webhook is called.
func (s *Scene) path(call dryrun.Call) inject.Path {
	for _, c := range s.Webhooks.List {
		for _, hook := range c.Webhooks {
			if call.By != c.Name+"/"+hook.Name {
				continue
			}
			path := ""
			switch config := hook.ClientConfig; {
			case config.Service != nil && config.Service.Path != nil:
				path = *config.Service.Path
			case config.URL != nil:
				if parsed, err := url.Parse(*config.URL); err == nil {
					path = parsed.Path
				}
			}
			read, _ := inject.ParsePath(path) // what it does not know the webhook ignores, too
			return read
		}
	}
	return inject.Path{}
}

// VerdictOn says what would become of a pod that is given, and in what it differs from that
// if it has a sidecar, as [Scene.Pods] does of those of the scene.
func (s *Scene) VerdictOn(ctx context.Context, pod *corev1.Pod) (*Verdict, error) {
	if _, err := s.Pods(ctx); err != nil {
		return nil, err
	}
	o, err := lean(pod.DeepCopy(), corev1.SchemeGroupVersion.WithKind("Pod"))
	if err != nil {
		return nil, err
	}
	w, has, err := o.workload()
	if err != nil || !has {
		return nil, err
	}
	return s.verdict(ctx, o, w)
}

// InForce says whether a pod that is injected was so by the configuration that there is.
func (s *Scene) InForce(v *Verdict) bool {
	of, _ := inject.InjectionOf(v.Before)
	return slices.ContainsFunc(s.Injectors, func(in *inject.Injector) bool {
		return in.Revision() == of.Revision && in.Hash() == of.Config
	})
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
