package dryrun

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"

	"outrigger.dev/outrigger/inject"
)

// A Source is the configuration that a dry run is decided by.
type Source struct {
	// Injector is made of the other two.
	Injector *inject.Injector
	Sources  inject.Sources
	Settings inject.Settings
	// From and Since are as in [Configuration].
	From  string
	Since time.Time
}

// A Cluster is what is looked up. A function that is nil is one that there is no
// cluster for.
type Cluster struct {
	// Namespace finds a namespace; [ErrNoNamespace] where there is none of that name.
	Namespace func(ctx context.Context, name string) (inject.Namespace, error)
	// Webhooks are all mutating webhook configurations.
	Webhooks    func(ctx context.Context) ([]admissionv1.MutatingWebhookConfiguration, error)
	LimitRanges func(ctx context.Context, namespace string) ([]corev1.LimitRange, error)
	Quotas      func(ctx context.Context, namespace string) ([]corev1.ResourceQuota, error)
	// Native and ProxyConfigs are as in [inject.Request].
	Native       func(*corev1.PodSpec) inject.Native
	ProxyConfigs func(namespace string) []inject.ProxyConfig
}

// ErrNoNamespace says that there is no namespace of that name.
var ErrNoNamespace = errors.New("there is no such namespace")

// A Runner answers questions. Fields are set before its first question; it is safe
// for concurrent use.
type Runner struct {
	// Source is the configuration in force; its Injector is nil where there is none.
	Source  func() Source
	Cluster Cluster
	// ChartWebhooks is the configuration that the chart gives for a revision, for
	// where live ones cannot be read.
	ChartWebhooks func(revision string) (admissionv1.MutatingWebhookConfiguration, error)
	// Supported says what a version of Kubernetes, like "1.33", means for native
	// sidecars.
	Supported func(version string) inject.Native

	matcher  Matcher
	variants variants
}

// A run is one question on its way.
type run struct {
	*Runner
	question   Question
	source     Source
	assumed    []string
	webhooks   Configurations
	path       inject.Path
	native     func(*corev1.PodSpec) inject.Native
	namespaces map[string]Namespace
	given      map[string]inject.Namespace
	warnings   []string
	clock      clock

	limitRanges    asking[corev1.LimitRange]
	resourceQuotas asking[corev1.ResourceQuota]
}

// asking asks once for each namespace.
type asking[T any] map[string]told[T]

type told[T any] struct {
	objects []T
	err     error
}

func (a asking[T]) get(namespace string, ask func() ([]T, error)) ([]T, error) {
	known, ok := a[namespace]
	if !ok {
		known.objects, known.err = ask()
		a[namespace] = known
	}
	return known.objects, known.err
}

// Answer answers a question. An error that is a [*Faults] is the question's.
func (r *Runner) Answer(ctx context.Context, q Question) (*Answer, error) {
	s := &run{Runner: r, question: q, namespaces: map[string]Namespace{}, clock: newClock(),
		limitRanges: asking[corev1.LimitRange]{}, resourceQuotas: asking[corev1.ResourceQuota]{}}
	in, faults := read([]byte(q.Manifest), q.Namespace.Name)
	if faults != nil {
		return nil, faults
	}
	s.given, s.warnings = in.namespaces, in.warnings
	s.clock.passed("read")
	if err := s.configure(); err != nil {
		return nil, err
	}
	s.clock.passed("configuration")
	s.configurations(ctx)
	s.clock.passed("webhook configurations")
	answer := &Answer{
		APIVersion: APIVersion, Kind: AnswerKind, Pods: []Pod{}, Others: in.others, Configuration: s.configuration(),
	}
	answer.Timings = s.clock.take()
	for _, a := range in.pods {
		if err := ctx.Err(); err != nil {
			return nil, refuse(http.StatusServiceUnavailable, "manifest: %d of %d pods answered in time: %v; ask about fewer", len(answer.Pods), len(in.pods), err)
		}
		pod, err := s.pod(ctx, a)
		if err != nil {
			return nil, err
		}
		answer.Pods = append(answer.Pods, pod)
	}
	answer.Warnings = s.warnings
	return answer, nil
}

// configure finds the configuration, and what the question has otherwise.
func (s *run) configure() error {
	s.source = s.Source()
	if s.source.Injector == nil {
		return refuse(http.StatusServiceUnavailable, "configuration: none is in force, so there is nothing to decide by; see /readyz")
	}
	q := s.question
	if !oneOf(q.NativeSidecars, "", "auto", "true", "false") {
		return refuse(http.StatusBadRequest, "nativeSidecars %.32q: want auto, true or false", q.NativeSidecars)
	}
	settings := s.source.Settings
	revision := cmp.Or(settings.Revision, "default")
	if q.Revision != "" && q.Revision != revision {
		if !isRevision(q.Revision) {
			return refuse(http.StatusBadRequest, "revision %.64q: want a name of lower-case letters, digits and dashes", q.Revision)
		}
		settings.Revision = q.Revision
		s.assumed = append(s.assumed, "revision")
	}
	if q.NativeSidecars != "" {
		settings.Env = withNative(settings.Env, q.NativeSidecars)
		s.assumed = append(s.assumed, "nativeSidecars")
	}
	s.native = s.Cluster.Native
	if q.KubernetesVersion != "" {
		if !isVersion(q.KubernetesVersion) {
			return refuse(http.StatusBadRequest, "kubernetesVersion %.32q: want one like 1.33", q.KubernetesVersion)
		}
		s.native = s.Supported(q.KubernetesVersion).Everywhere
		s.assumed = append(s.assumed, "kubernetesVersion")
	}
	if err := s.readPath(); err != nil {
		return err
	}
	in, err := s.variants.injector(s.source, settings)
	if err != nil {
		return refuse(http.StatusUnprocessableEntity, "configuration: does not work with what the question assumes: %v", err)
	}
	s.source.Injector = in
	return nil
}

// readPath reads what the question says of the webhook's path.
func (s *run) readPath() error {
	if s.question.Path == "" {
		return nil
	}
	path, warnings := inject.ParsePath(s.question.Path)
	if len(warnings) > 0 {
		return refuse(http.StatusBadRequest, "%.200s: want /inject/KEY/VALUE, like /inject/cluster/c1/net/n1", warnings[0])
	}
	s.path, s.assumed = path, append(s.assumed, "path")
	return nil
}

// configuration is what the answer says of it.
func (s *run) configuration() Configuration {
	c := Configuration{Hash: s.source.Injector.Hash(), Revision: s.source.Injector.Revision(), From: s.source.From, Assumed: s.assumed}
	if !s.source.Since.IsZero() {
		c.Since = s.source.Since.UTC().Format(time.RFC3339)
	}
	return c
}

// configurations finds the webhook configurations: live ones, or else the chart's.
func (s *run) configurations(ctx context.Context) {
	revision := s.source.Injector.Revision()
	s.webhooks = Configurations{From: "chart", Revision: revision}
	if s.Cluster.Webhooks != nil {
		list, err := s.Cluster.Webhooks(ctx)
		if err == nil {
			s.webhooks.From, s.webhooks.List = "live", list
			return
		}
		s.warn("webhook configurations cannot be read, the chart's count instead: %v", err)
	}
	configuration, err := s.ChartWebhooks(revision)
	if err != nil {
		s.warn("webhook configuration of the chart: %v", err)
	}
	s.webhooks.List = []admissionv1.MutatingWebhookConfiguration{configuration}
}

// namespace is what is known of a namespace: what the question says, or else the
// cluster.
func (s *run) namespace(ctx context.Context, name string) Namespace {
	if known, ok := s.namespaces[name]; ok {
		return known
	}
	found := s.find(ctx, name)
	s.namespaces[name] = found
	return found
}

func (s *run) find(ctx context.Context, name string) Namespace {
	asked := s.question.Namespace
	if cmp.Or(asked.Name, inject.DefaultNamespace) == name && (asked.Labels != nil || asked.Annotations != nil) {
		return Namespace{Name: name, Labels: asked.Labels, Annotations: asked.Annotations, From: "given"}
	}
	if given, ok := s.given[name]; ok {
		return Namespace{Name: name, Labels: given.Labels, Annotations: given.Annotations, From: "given"}
	}
	if s.Cluster.Namespace == nil {
		return Namespace{Name: name, From: "unknown"}
	}
	live, err := s.Cluster.Namespace(ctx, name)
	switch {
	case errors.Is(err, ErrNoNamespace):
		s.warn("namespace %q: there is none of that name, so it counts as one without labels", name)
		return Namespace{Name: name, From: "missing"}
	case err != nil:
		s.warn("namespace %q: cannot be looked up, so it counts as enabled: %v", name, err)
		return Namespace{Name: name, From: "unknown"}
	}
	return Namespace{Name: name, Labels: live.Labels, Annotations: live.Annotations, From: "live"}
}

func (s *run) warn(format string, args ...any) {
	s.warnings = append(s.warnings, fmt.Sprintf(format, args...))
}
