package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/yaml"

	"outrigger.dev/outrigger/test/e2e/injector"
)

// dryRunAnswer is what is read of an answer.
type dryRunAnswer struct {
	Pods []struct {
		Outcome  struct{ Verdict, Reason, Sentence, By string }
		Call     struct{ By, From string }
		Warnings []string
		After    json.RawMessage
	}
	Warnings []string
}

// dryRun asks a server about a manifest.
func dryRun(ctx context.Context, i *injector.Injector, manifest []byte, query url.Values) (*dryRunAnswer, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, i.DryRun()+"/dryrun?"+query.Encode(), bytes.NewReader(manifest))
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", response.Status, body)
	}
	answer := new(dryRunAnswer)
	return answer, json.Unmarshal(body, answer)
}

// traits are what a generated pod may have. Each changes a pod that none has changed
// in the same place.
var traits = []func(*corev1.Pod){
	labelled(map[string]string{"sidecar.istio.io/inject": "true"}),
	labelled(map[string]string{"sidecar.istio.io/inject": "false"}),
	labelled(map[string]string{"sidecar.istio.io/inject": "yes", "app": "web"}),
	labelled(map[string]string{"istio.io/rev": "canary"}),
	labelled(map[string]string{"istio.io/rev": "default", "app": "web", "version": "v2"}),
	annotated("sidecar.istio.io/inject", "false"),
	annotated("sidecar.istio.io/inject", "true"),
	annotated("traffic.sidecar.istio.io/includeInboundPorts", "http"),
	annotated("traffic.sidecar.istio.io/excludeOutboundPorts", "3306,6379"),
	annotated("inject.istio.io/templates", "none"),
	annotated("inject.istio.io/templates", "grpc-agent"),
	annotated("sidecar.istio.io/nativeSidecar", "false"),
	annotated("sidecar.istio.io/proxyCPU", "250m"),
	annotated("proxy.istio.io/config", "holdApplicationUntilProxyStarts: true\n"),
	annotated("prometheus.io/port", "8080"),
	func(pod *corev1.Pod) { pod.Spec.HostNetwork = true },
	func(pod *corev1.Pod) { pod.Spec.OS = &corev1.PodOS{Name: corev1.Windows} },
	func(pod *corev1.Pod) {
		// With what the API server would fill in before it asks: the injected pod speaks of it.
		pod.Spec.Containers[0].ReadinessProbe = &corev1.Probe{TimeoutSeconds: 1, ProbeHandler: corev1.ProbeHandler{
			HTTPGet: &corev1.HTTPGetAction{Path: "/ready", Port: intstr.FromInt32(8080), Scheme: corev1.URISchemeHTTP},
		}}
	},
	func(pod *corev1.Pod) {
		pod.Spec.InitContainers = []corev1.Container{{Name: "migrate", Image: "example.com/migrate:1"}}
	},
	func(pod *corev1.Pod) {
		pod.Spec.Containers = append(pod.Spec.Containers, corev1.Container{
			Name: "istio-proxy", Image: "auto", ImagePullPolicy: corev1.PullIfNotPresent,
		})
	},
	func(pod *corev1.Pod) {
		pod.Spec.Volumes = []corev1.Volume{{Name: "data", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}}}
		pod.Spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "data", MountPath: "/data"}}
	},
	func(pod *corev1.Pod) {
		pod.Spec.Containers[0].Env = []corev1.EnvVar{{Name: "A", Value: "b"}, {Name: "C", Value: "$(A)"}}
	},
}

// podsOf are pods with none, one and some of the traits.
func podsOf(seed uint64, count int) []*corev1.Pod {
	random := rand.New(rand.NewPCG(seed, seed))
	var pods []*corev1.Pod
	for i := range count {
		var change []func(*corev1.Pod)
		for range min(i, 1+random.IntN(3)) {
			change = append(change, traits[random.IntN(len(traits))])
		}
		pod := newPod(fmt.Sprintf("pod-%d", i), change...)
		pod.TypeMeta = metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"}
		pods = append(pods, pod)
	}
	return pods
}

// What a server says beforehand is what the API server then does: for pods of every
// kind, in namespaces of every kind, by three installations whose configurations
// differ. The pod that is foretold is stored in a namespace that no installation is
// asked about, so that what the API server itself adds is there, too.
func TestDryRunForetellsWhatIsStored(t *testing.T) {
	t.Parallel()
	other, _ := install(t, injector.Options{Revision: "foretold", Values: []string{
		"sidecarInjectorWebhook.rewriteAppHTTPProbe=false", "pilot.cni.enabled=true", "sidecarInjectorWebhook.injectedAnnotations.example\\.com/mark=foretold",
	}, Args: []string{"--native-sidecars=false"}})
	servers := map[string]*injector.Injector{"default": first, "canary": canary, "foretold": other}
	twin := newNamespace(t, map[string]string{"istio-injection": "disabled"})
	asked, injected := 0, 0
	beside, states := lookedAt{labels: map[string]map[string]string{}}, map[string]string{}
	for n, labels := range []map[string]string{
		{}, enabled, {"istio-injection": "disabled"}, {"istio.io/rev": "default"}, {"istio.io/rev": "canary"}, {"istio.io/rev": "foretold"},
		{"istio-injection": "enabled", "istio.io/rev": "canary"}, {"istio.io/rev": "nobody"},
	} {
		namespace := newNamespace(t, labels)
		pods := podsOf(uint64(n), 22)
		answers := map[string]*dryRunAnswer{}
		for revision, server := range servers {
			answer, err := dryRun(within(t), server, documents(t, pods), url.Values{"namespace": {namespace}})
			if err != nil {
				t.Fatal(err)
			}
			if len(answer.Pods) != len(pods) || len(answer.Warnings) > 0 {
				t.Fatalf("%s: %d answers and warnings %q", revision, len(answer.Pods), answer.Warnings)
			}
			answers[revision] = answer
		}
		var injectedPods []string
		for i, pod := range pods {
			got := create(t, namespace, pod.DeepCopy())
			if got.Err == nil {
				states[namespace+"/"+pod.Name] = "skipped"
			}
			if got.Err == nil && injectedBy(got.Pod) != "" {
				states[namespace+"/"+pod.Name] = "injected"
				injectedPods = append(injectedPods, pod.Name)
			}
			for revision, answer := range answers {
				asked++
				foretold := answer.Pods[i]
				about := fmt.Sprintf("namespace %v, %s, revision %s: %s (%s)", labels, yamlText(t, pod), revision, foretold.Outcome.Verdict, foretold.Outcome.Reason)
				switch foretold.Outcome.Verdict {
				case "deny":
					if got.Err == nil || !strings.Contains(got.Err.Error(), foretold.Outcome.Sentence) {
						t.Errorf("%s: created with %v, want %s", about, got.Err, foretold.Outcome.Sentence)
					}
				case "skip":
					if got.Err == nil && injectedBy(got.Pod) == revision {
						t.Errorf("%s: is injected", about)
					}
				case "inject":
					if got.Err != nil {
						t.Errorf("%s: created with %v", about, got.Err)
						continue
					}
					injected++
					if diff := cmp.Diff(stored(t, twin, foretold.After), comparable(t, got.Pod)); diff != "" {
						t.Errorf("%s (-foretold +stored):\n%s", about, diff)
					}
				default:
					t.Errorf("%s: no verdict", about)
				}
			}
		}
		beside.labels[namespace] = labels
		beside.leave(t, labels, pods, injectedPods)
	}
	beside.wantAgreement(t)
	for _, name := range beside.missed {
		states[name] = "missed"
	}
	beside.wantStatus(t, states)
	t.Logf("%d answers, %d of them with an injected pod", asked, injected)
	if asked < 500 || injected < 50 {
		t.Errorf("%d answers and %d injected pods, want 500 and 50: too little was shown", asked, injected)
	}
}

// documents are pods as a file of manifests.
func documents(t *testing.T, pods []*corev1.Pod) []byte {
	t.Helper()
	var all []string
	for _, pod := range pods {
		all = append(all, yamlText(t, pod))
	}
	return []byte(strings.Join(all, "---\n"))
}

func yamlText(t *testing.T, v any) string {
	t.Helper()
	text, err := yaml.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// stored is what the API server makes of a pod on its own.
func stored(t *testing.T, namespace string, pod json.RawMessage) string {
	t.Helper()
	var typed corev1.Pod
	if err := json.Unmarshal(pod, &typed); err != nil {
		t.Fatal(err)
	}
	got, err := cluster.Client().CoreV1().Pods(namespace).Create(within(t), &typed, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	if err != nil {
		t.Fatalf("the foretold pod: %v\n%s", err, pod)
	}
	return comparable(t, got)
}

// tokenVolume is the name of a token's volume, which is another one each time.
var tokenVolume = regexp.MustCompile(`kube-api-access-[a-z0-9]{5}`)

// asSent are the annotations that say how a pod was when the webhook was asked about
// it: with the token's volume and all that the API server fills in, which a manifest
// does not have.
var asSent = []string{"outrigger.dev/injection", "proxy.istio.io/overrides"}

// comparable is of a stored pod what its creation has a say in.
func comparable(t *testing.T, pod *corev1.Pod) string {
	t.Helper()
	annotations := maps.Clone(pod.Annotations)
	for _, key := range asSent {
		delete(annotations, key)
	}
	return tokenVolume.ReplaceAllString(yamlText(t, map[string]any{
		"labels": pod.Labels, "annotations": annotations, "spec": pod.Spec,
	}), "kube-api-access-xxxxx")
}
