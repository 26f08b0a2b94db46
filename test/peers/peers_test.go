package peers

import (
	"encoding/json"
	"net/http"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"outrigger.dev/outrigger/inject"
	"outrigger.dev/outrigger/test/bench"
)

// A contest is a review for all.
type contest struct {
	name, recording string
	proxyConfigs    int
}

var contests = []contest{
	{name: "opted-out", recording: "opted-out"},
	{name: "deployment", recording: "deployment-1"},
	{name: "deployment-5-proxyconfigs", recording: "deployment-1", proxyConfigs: 5},
	{name: "deployment-15-proxyconfigs", recording: "deployment-1", proxyConfigs: 15},
	{name: "statefulset", recording: "statefulset"},
	{name: "job", recording: "job"},
	{name: "hold", recording: "hold"},
	{name: "tproxy", recording: "tproxy"},
	{name: "gateway", recording: "gateway"},
	{name: "grpc-agent", recording: "grpc-agent"},
	{name: "containers-1-env-40", recording: "containers-1-env-40"},
	{name: "containers-1-env-2000", recording: "containers-1-env-2000"},
	{name: "containers-10-env-40", recording: "containers-10-env-40"},
	{name: "containers-100-env-5", recording: "containers-100-env-5"},
}

// The names of benchmarks are as in the package test/bench.
func BenchmarkPod(b *testing.B) {
	for _, c := range contests {
		b.Run("pod="+c.name, func(b *testing.B) {
			recording, handlers := c.handlers(b)
			for _, seen := range []string{"first", "again"} {
				for _, h := range handlers {
					b.Run("seen="+seen+"/by="+h.name, func(b *testing.B) {
						bench.Measure(b, h.handler, recording, seen == "first")
					})
				}
			}
		})
	}
}

// named is a handler by the name that it has in the table.
type named struct {
	name    string
	handler http.Handler
}

// handlers are all who take part, on one configuration.
func (c contest) handlers(tb testing.TB) (bench.Recording, []named) {
	tb.Helper()
	recording, err := bench.Record(c.recording)
	if err != nil {
		tb.Fatal(err)
	}
	sources, err := rendered()
	if err != nil {
		tb.Fatal(err)
	}
	proxyConfigs := someProxyConfigs(c.proxyConfigs)
	theirs, err := istio(sources, proxyConfigs)
	if err != nil {
		tb.Fatal(err)
	}
	return recording, []named{
		{"istio", theirs},
		{"outrigger", outrigger(tb, withoutTemplates(tb, sources), proxyConfigs)},
		{"outrigger-istio-templates", outrigger(tb, sources, proxyConfigs)},
	}
}

func outrigger(tb testing.TB, sources inject.Sources, proxyConfigs []inject.ProxyConfig) http.Handler {
	tb.Helper()
	injector, err := inject.New(sources, inject.Settings{Env: map[string]string{"ENABLE_NATIVE_SIDECARS": "true"}})
	if err != nil {
		tb.Fatal(err)
	}
	return bench.Setup{
		Injector:     injector,
		Namespace:    inject.Namespace{Name: "shop", Labels: map[string]string{"istio-injection": "enabled"}},
		Native:       true,
		ProxyConfigs: proxyConfigs,
	}.Server()
}

// withoutTemplates is a configuration but for its templates.
func withoutTemplates(tb testing.TB, sources inject.Sources) inject.Sources {
	tb.Helper()
	var config map[string]any
	if err := yaml.Unmarshal(sources.Config, &config); err != nil {
		tb.Fatal(err)
	}
	if config["templates"] == nil {
		tb.Fatal("the configuration has no templates to leave out")
	}
	delete(config, "templates")
	text, err := yaml.Marshal(config)
	if err != nil {
		tb.Fatal(err)
	}
	sources.Config = text
	return sources
}

// All do the same work: what they add to a pod has the same names.
func TestSameWork(t *testing.T) {
	for _, c := range contests {
		t.Run(c.name, func(t *testing.T) {
			recording, handlers := c.handlers(t)
			want := parts(t, handlers[0].handler, recording)
			for _, h := range handlers[1:] {
				if diff := cmp.Diff(want, parts(t, h.handler, recording)); diff != "" {
					t.Errorf("%s (-istio +%s):\n%s", c.name, h.name, diff)
				}
			}
		})
	}
}

// parts are the names of what a pod has after its review.
func parts(t *testing.T, handler http.Handler, recording bench.Recording) map[string][]string {
	t.Helper()
	caller := bench.NewCaller(handler, recording)
	reply := caller.Call(0, false)
	patch, err := reply.Patch()
	if err != nil || reply.Code != http.StatusOK {
		t.Fatalf("%d %s: %v", reply.Code, reply.Body, err)
	}
	pod := patched(t, caller.Sent(), patch)
	all := map[string][]string{}
	for _, v := range pod.Spec.Volumes {
		all["volumes"] = append(all["volumes"], v.Name)
	}
	for kind, containers := range map[string][]corev1.Container{"init containers": pod.Spec.InitContainers, "containers": pod.Spec.Containers} {
		for _, c := range containers {
			all[kind] = append(all[kind], c.Name)
			for _, v := range c.Env {
				if v.Name == "GOMAXPROCS" {
					continue // not every version of Istio's templates has it, nor have ours
				}
				all["variables of "+c.Name] = append(all["variables of "+c.Name], v.Name)
			}
		}
	}
	for _, names := range all {
		slices.Sort(names)
	}
	return all
}

// patched is the pod of a review after a patch.
func patched(t *testing.T, sent, patch []byte) corev1.Pod {
	t.Helper()
	var review admissionv1.AdmissionReview
	if err := json.Unmarshal(sent, &review); err != nil {
		t.Fatal(err)
	}
	object := review.Request.Object.Raw
	if len(patch) > 0 {
		decoded, err := jsonpatch.DecodePatch(patch)
		if err != nil {
			t.Fatal(err)
		}
		if object, err = decoded.Apply(object); err != nil {
			t.Fatal(err)
		}
	}
	var pod corev1.Pod
	if err := json.Unmarshal(object, &pod); err != nil {
		t.Fatal(err)
	}
	return pod
}
