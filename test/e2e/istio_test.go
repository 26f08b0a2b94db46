package e2e_test

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"outrigger.dev/outrigger/test/e2e/injector"
)

// says wants annotations of example.com on the next pod of a namespace.
func says(t *testing.T, namespace string, want map[string]string) *corev1.Pod {
	t.Helper()
	pod := mustCreate(t, namespace, newPod("", func(pod *corev1.Pod) { pod.GenerateName = "says-" }))
	for key, value := range want {
		if got := pod.Annotations["example.com/"+key]; got != value {
			t.Errorf("%s: %s is %q, want %q", pod.Name, key, got, value)
		}
	}
	return pod
}

// The ConfigMaps of an istiod are the whole configuration: what it changes is in
// force, what it breaks is not, and who stands in for it outlives it.
func TestServerStandsInForIstiod(t *testing.T) {
	t.Parallel()
	istiod := newIstiod(t, "standin")
	server, namespace := istiod.standIn(t, "prod")
	generation := func(config, mesh string) map[string]string {
		return map[string]string{"config": config, "values": config, "mesh": istiod.namespace + "-" + mesh, "level": "mesh", "uid": "1337"}
	}
	pod := says(t, namespace, generation("one", "one"))
	if injectedBy(pod) != "standin" || names(pod.Spec.InitContainers)[0] != "istio-proxy" {
		t.Errorf("injected by %q, init containers %v", injectedBy(pod), names(pod.Spec.InitContainers))
	}
	if injectedBy(says(t, newNamespace(t, map[string]string{"istio.io/rev": "prod"}), generation("one", "one"))) != "standin" {
		t.Error("the revision does not answer for its tag")
	}
	wantOnlyTheIstiodsConfigMaps(t, server)

	inForce := func(want string) func(injector.Check) bool {
		return func(c injector.Check) bool { return accepted(c) && c.Hash != want }
	}
	was := hashInForce(t, server)
	istiod.write(t, "istio-sidecar-injector", istiod.injector(t, "two"))
	istiod.write(t, "istio", istiod.mesh("two"))
	await(t, server, inForce(was))
	says(t, namespace, generation("two", "two"))

	// Whole or not at all: the new templates do not go with the old values.
	bad := istiod.injector(t, "three")
	bad["values"] = "global: ["
	istiod.write(t, "istio-sidecar-injector", bad)
	await(t, server, refused)
	says(t, namespace, generation("two", "two"))
	wantRefusals(t, istiod, 1, 0)
	istiod.write(t, "istio-sidecar-injector", istiod.injector(t, "two"))
	await(t, server, accepted)
	istiod.write(t, "istio", map[string]string{"mesh": "defaultConfig: ["})
	await(t, server, refused)
	says(t, namespace, generation("two", "two"))
	wantRefusals(t, istiod, 1, 1)

	istiod.remove(t, "istio")
	istiod.remove(t, "istio-sidecar-injector")
	if err := server.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := server.Start(within(t)); err != nil {
		t.Fatal(err)
	}
	await(t, server, func(c injector.Check) bool {
		return strings.HasSuffix(c.Refused, `"istio-sidecar-injector-standin" does not exist`) && strings.HasPrefix(c.From, "last good version in ")
	})
	says(t, namespace, generation("two", "two"))
	istiod.write(t, "istio-sidecar-injector", istiod.injector(t, "four"))
	istiod.write(t, "istio", istiod.mesh("four"))
	await(t, server, accepted)
	says(t, namespace, generation("four", "four"))
	wantNothingForbidden(t, server)
}

// wantOnlyTheIstiodsConfigMaps wants no ConfigMap of the chart's that nobody reads.
func wantOnlyTheIstiodsConfigMaps(t *testing.T, server *injector.Injector) {
	t.Helper()
	_, err := cluster.Client().CoreV1().ConfigMaps(injector.Namespace).Get(within(t), server.ConfigMap(), metav1.GetOptions{})
	if !apierrors.IsNotFound(err) {
		t.Errorf("configmap %s: %v, want none", server.ConfigMap(), err)
	}
	r, err := server.Readiness(within(t))
	if err != nil {
		t.Fatal(err)
	}
	if why := r.Checks["templates"].Quarantined["waypoint"]; why == "" {
		t.Error("the template that is not for pods is not kept out")
	}
}

// wantNothingForbidden wants the chart's rights to be enough.
func wantNothingForbidden(t *testing.T, server *injector.Injector) {
	t.Helper()
	for line := range strings.Lines(logOf(t, server)) {
		if strings.Contains(line, "forbidden") {
			t.Error(line)
		}
	}
}

// logOf is all that a server has said.
func logOf(t *testing.T, server *injector.Injector) string {
	t.Helper()
	text, err := os.ReadFile(server.Log())
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// hashInForce is that of the configuration in force.
func hashInForce(t *testing.T, server *injector.Injector) string {
	t.Helper()
	r, err := server.Readiness(within(t))
	if err != nil {
		t.Fatal(err)
	}
	return r.Checks["configuration"].Hash
}

// While an upgrade is under way every pod is made from one version: what two of
// them say is nowhere mixed.
func TestHalfAChangeIsNeverSeen(t *testing.T) {
	t.Parallel()
	istiod := newIstiod(t, "halves")
	server, namespace := istiod.standIn(t)
	done := make(chan struct{})
	seen := make(chan []string)
	go func() {
		var pairs []string
		for {
			select {
			case <-done:
				seen <- pairs
				return
			default:
			}
			got := create(t, namespace, newPod("", func(pod *corev1.Pod) { pod.GenerateName = "half-" }))
			if got.Err != nil {
				t.Error(got.Err)
				continue
			}
			pairs = append(pairs, got.Pod.Annotations["example.com/config"]+" "+got.Pod.Annotations["example.com/values"])
		}
	}()
	for _, generation := range []string{"two", "three", "four", "five"} {
		was := hashInForce(t, server)
		istiod.write(t, "istio-sidecar-injector", istiod.injector(t, generation))
		await(t, server, func(c injector.Check) bool { return c.Hash != was })
		bad := istiod.injector(t, generation+"-broken")
		bad["values"] = "[]"
		istiod.write(t, "istio-sidecar-injector", bad)
		await(t, server, refused)
	}
	close(done)
	pairs := <-seen
	slices.Sort(pairs)
	t.Logf("%d pods", len(pairs))
	for _, pair := range slices.Compact(pairs) {
		if config, values, _ := strings.Cut(pair, " "); config != values || strings.Contains(config, "broken") {
			t.Errorf("a pod has the config of generation %q with the values of %q", config, values)
		}
	}
}

// On OpenShift the proxy's user is of the namespace's own range. The values say
// that it is OpenShift, and the namespace which range.
func TestOpenShiftIDsAreTheNamespaces(t *testing.T) {
	t.Parallel()
	istiod := newIstiod(t, "openshift")
	istiod.write(t, "istio-sidecar-injector", istiod.injector(t, "one", func(values map[string]any) {
		values["pilot"].(map[string]any)["env"] = map[string]any{"PLATFORM": "openshift"}
	}))
	_, namespace := istiod.standIn(t)
	says(t, namespace, map[string]string{"uid": "1337"})
	kubectl(t, "annotate", "namespace", namespace, "openshift.io/sa.scc.uid-range=1000650000/10000")
	ctx := within(t)
	for {
		pod := mustCreate(t, namespace, newPod("", func(pod *corev1.Pod) { pod.GenerateName = "id-" }))
		if pod.Annotations["example.com/uid"] == "1000659999" {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("the proxy runs as %q, want 1000659999", pod.Annotations["example.com/uid"])
		case <-time.After(100 * time.Millisecond):
		}
	}
}
