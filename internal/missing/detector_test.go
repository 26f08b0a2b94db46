package missing_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"outrigger.dev/outrigger/charts"
	"outrigger.dev/outrigger/inject"
	"outrigger.dev/outrigger/internal/missing"
)

// pages lists pods so many at a time, and notes how many at most it was asked for.
type pages struct {
	pods  []corev1.Pod
	size  int
	asked []int64
	err   error
}

func (p *pages) List(_ context.Context, o metav1.ListOptions) (*corev1.PodList, error) {
	p.asked = append(p.asked, o.Limit)
	if p.err != nil {
		return nil, p.err
	}
	from := 0
	if o.Continue != "" {
		if _, err := fmt.Sscan(o.Continue, &from); err != nil {
			return nil, err
		}
	}
	list := &corev1.PodList{Items: p.pods[from:min(from+p.size, len(p.pods))]}
	if from+p.size < len(p.pods) {
		list.Continue = fmt.Sprint(from + p.size)
	}
	return list, nil
}

// webhooks is a configuration whose one entry asks about enabled namespaces.
func webhooks(conditions ...string) admissionv1.MutatingWebhookConfiguration {
	entry := admissionv1.MutatingWebhook{
		Name: "namespace.injector.outrigger.dev",
		Rules: []admissionv1.RuleWithOperations{{
			Operations: []admissionv1.OperationType{admissionv1.Create}, Rule: admissionv1.Rule{Resources: []string{"pods"}},
		}},
		NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"istio-injection": "enabled"}},
	}
	for _, name := range conditions {
		entry.MatchConditions = append(entry.MatchConditions, admissionv1.MatchCondition{Name: name})
	}
	canary := admissionv1.MutatingWebhook{Name: "canary.injector.outrigger.dev", Rules: entry.Rules}
	return admissionv1.MutatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: "outrigger-injector"}, Webhooks: []admissionv1.MutatingWebhook{canary, entry},
	}
}

// proved decides by the default configuration.
var proved = sync.OnceValues(func() (*inject.Injector, error) {
	config, values, mesh := charts.Default()
	return inject.New(inject.Sources{Config: config, Values: values, Mesh: mesh}, inject.Settings{})
})

func decider(t *testing.T) missing.Decider {
	t.Helper()
	in, err := proved()
	if err != nil {
		t.Fatal(err)
	}
	return in
}

// namespace knows "shop", which is enabled, and "plain".
func namespace(name string) (inject.Namespace, bool) {
	switch name {
	case "shop":
		return inject.Namespace{Name: name, Labels: map[string]string{"istio-injection": "enabled"}}, true
	case "plain":
		return inject.Namespace{Name: name}, true
	}
	return inject.Namespace{}, false
}

// pod is one of a ReplicaSet's in the namespace shop.
func pod(name string, change ...func(*corev1.Pod)) corev1.Pod {
	p := corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Name: name, GenerateName: "web-5d6b-", Namespace: "shop", UID: types.UID("uid of " + name),
			Labels:          map[string]string{"pod-template-hash": "5d6b"},
			OwnerReferences: []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: "web-5d6b", UID: "rs", Controller: new(true)}},
		},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "app"}}},
	}
	for _, c := range change {
		c(&p)
	}
	return p
}

func TestLook(t *testing.T) {
	for name, c := range map[string]struct {
		change     func(*corev1.Pod)
		conditions []string
		want       inject.Reason // "" for a pod that misses nothing
	}{
		"a pod of an enabled namespace": {func(*corev1.Pod) {}, nil, inject.Policy},
		"one that was injected": {func(p *corev1.Pod) {
			p.Annotations = map[string]string{inject.StatusAnnotation: `{"containers":["app"]}`}
		}, nil, ""},
		"one that declines":           {func(p *corev1.Pod) { p.Labels[inject.InjectKey] = "false" }, nil, ""},
		"one that has ended":          {func(p *corev1.Pod) { p.Status.Phase = corev1.PodSucceeded }, nil, ""},
		"one that is on its way out":  {func(p *corev1.Pod) { p.DeletionTimestamp = new(metav1.Now()) }, nil, ""},
		"one that asks":               {func(p *corev1.Pod) { p.Labels[inject.InjectKey] = "true" }, nil, inject.PodLabel},
		"one on the host's network":   {func(p *corev1.Pod) { p.Spec.HostNetwork = true }, nil, ""},
		"one of another namespace":    {func(p *corev1.Pod) { p.Namespace = "plain" }, nil, ""},
		"one that nobody knows where": {func(p *corev1.Pod) { p.Namespace = "new" }, nil, ""},
		"a critical one, which is kept away": {
			func(p *corev1.Pod) { p.Spec.PriorityClassName = "system-node-critical" }, []string{"exclude-critical"}, "",
		},
		"a critical one, which is not":                 {func(p *corev1.Pod) { p.Spec.PriorityClassName = "system-node-critical" }, nil, inject.Policy},
		"one under a condition that nobody here reads": {func(*corev1.Pod) {}, []string{"mine"}, inject.Policy},
	} {
		t.Run(name, func(t *testing.T) {
			entries, err := missing.ReadWebhooks(webhooks(c.conditions...))
			if err != nil {
				t.Fatal(err)
			}
			judge, got := missing.Judge{Webhooks: entries, Decider: decider(t)}, inject.Reason("")
			_, err = judge.Scan(t.Context(), &pages{pods: []corev1.Pod{pod("web-5d6b-x", c.change)}, size: 1}, namespace, func(_ *corev1.Pod, f missing.Finding) {
				got = f.Reason
				if f.Entry != "outrigger-injector/namespace" || f.Owner.Kind != "Deployment" && f.Owner.Name != "web" {
					t.Errorf("found by %s, owned by %v", f.Entry, f.Owner)
				}
			})
			if err != nil || got != c.want {
				t.Errorf("missing for %q (%v), want %q", got, err, c.want)
			}
		})
	}
}

// told are the events of a detector.
type told []string

func (d *told) tell(_ context.Context, about corev1.ObjectReference, message string) error {
	*d = append(*d, fmt.Sprintf("%s %s/%s: %s", about.Kind, about.Namespace, about.Name, message))
	return nil
}

// runOnce lets a detector look once.
func runOnce(t *testing.T, d *missing.Detector) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	tell, configurations := d.Tell, d.Configurations
	defer func() { d.Tell, d.Configurations = tell, configurations }()
	asked := 0
	d.Configurations = func(ctx context.Context) ([]admissionv1.MutatingWebhookConfiguration, error) {
		if asked++; asked > 1 {
			cancel()
			return nil, ctx.Err()
		}
		return configurations(ctx)
	}
	d.Run(ctx)
}

func TestDetectorCountsAndTellsOnce(t *testing.T) {
	alone := func(p *corev1.Pod) {
		p.OwnerReferences, p.GenerateName, p.Labels = nil, "", map[string]string{inject.InjectKey: "true"}
	}
	pods := &pages{pods: []corev1.Pod{pod("web-5d6b-a"), pod("web-5d6b-b"), pod("alone", alone), pod("web-5d6b-c")}, size: 3}
	registry := prometheus.NewPedanticRegistry()
	var events told
	there := []admissionv1.MutatingWebhookConfiguration{webhooks()}
	var during string
	d := &missing.Detector{
		Pods: pods, Namespace: namespace, Decider: func() missing.Decider { return decider(t) }, Every: time.Nanosecond,
		Configurations: func(context.Context) ([]admissionv1.MutatingWebhookConfiguration, error) { return there, nil },
		Metrics:        missing.NewMetrics(registry), Log: slog.New(slog.DiscardHandler),
	}
	d.Tell = func(ctx context.Context, about corev1.ObjectReference, message string) error {
		during = scrape(registry)
		if about.Kind == "ReplicaSet" { // the first, whose failure is nobody else's
			_ = events.tell(ctx, about, message)
			return errors.New("the namespace is going")
		}
		return events.tell(ctx, about, message)
	}
	runOnce(t, d)
	want := told{
		"ReplicaSet shop/web-5d6b: 3 pods, web-5d6b-a among them, have no sidecar, though one is due (policy: the configuration's policy is \"enabled\" and nothing speaks against it); to mend it: kubectl -n shop rollout restart deployment web",
		"Pod shop/alone: pod alone has no sidecar, though one is due (pod-label: the pod's label sidecar.istio.io/inject is \"true\"); to mend it, delete the pod and create it again",
	}
	if diff := cmp.Diff(want, events); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	const counted = `outrigger_missing_sidecar_pods{reason="always-selector"} 0
outrigger_missing_sidecar_pods{reason="pod-annotation"} 0
outrigger_missing_sidecar_pods{reason="pod-label"} 1
outrigger_missing_sidecar_pods{reason="policy"} 3
`
	if !strings.Contains(during, counted) || !strings.Contains(during, "scan_timestamp_seconds ") {
		t.Errorf("while this replica looks, there is\n%s\nwant\n%s", during, counted)
	}
	if now := scrape(registry); strings.Contains(now, "sidecar_pods{") || strings.Contains(now, "scan_timestamp_seconds ") {
		t.Errorf("when another replica looks, there is still\n%s", now)
	}
	for _, limit := range pods.asked {
		if limit == 0 || limit > 500 {
			t.Errorf("%d pods asked for at a time", limit)
		}
	}
	// The webhook configuration is gone, which is why pods miss their sidecars.
	there, pods.pods = nil, append(pods.pods, pod("other", alone))
	runOnce(t, d)
	if len(events) != 3 || !strings.HasPrefix(events[2], "Pod shop/other") {
		t.Errorf("events with a new pod, and no webhook configuration: %q", events[2:])
	}
}

// Without events the metric counts all the same.
func TestDetectorThatTellsNobody(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	d := &missing.Detector{
		Pods: &pages{pods: []corev1.Pod{pod("web-5d6b-a")}, size: 3}, Namespace: namespace,
		Decider: func() missing.Decider { return decider(t) }, Every: time.Nanosecond,
		Configurations: func(context.Context) ([]admissionv1.MutatingWebhookConfiguration, error) {
			return []admissionv1.MutatingWebhookConfiguration{webhooks()}, nil
		},
		Metrics: missing.NewMetrics(registry), Log: slog.New(slog.DiscardHandler),
	}
	runOnce(t, d)
	if got := scrape(registry); !strings.Contains(got, `outrigger_missing_sidecar_scans_total{result="done"} 1`) {
		t.Errorf("counted\n%s", got)
	}
}

func TestDetectorGoesOnAfterAFault(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	var lines strings.Builder
	pods := &pages{err: errors.New("no such luck")}
	d := &missing.Detector{
		Pods: pods, Namespace: namespace, Decider: func() missing.Decider { return decider(t) }, Every: time.Nanosecond,
		Configurations: func(context.Context) ([]admissionv1.MutatingWebhookConfiguration, error) {
			return []admissionv1.MutatingWebhookConfiguration{webhooks()}, nil
		},
		Metrics: missing.NewMetrics(registry), Log: slog.New(slog.NewTextHandler(&lines, nil)),
	}
	runOnce(t, d)
	if got := scrape(registry); !strings.Contains(got, `outrigger_missing_sidecar_scans_total{result="failed"} 1`) {
		t.Errorf("counted\n%s", got)
	}
	if !strings.Contains(lines.String(), "no such luck") {
		t.Errorf("logged:\n%s", lines.String())
	}
}

// scrape is what Prometheus would read.
func scrape(registry prometheus.Gatherer) string {
	w := httptest.NewRecorder()
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	return w.Body.String()
}
