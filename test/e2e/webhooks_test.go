package e2e_test

import (
	"encoding/json"
	"iter"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"outrigger.dev/outrigger/test/e2e/injector"
)

// ordered has templates that say where their containers stand.
const ordered = `
policy: enabled
checkNamespace: true
defaultTemplates: [sidecar, between]
templates:
  between: |
    spec:
      initContainers:
      - name: fetch
        image: example.com/fetch:1
        $before: ["*"]
      - name: istio-init
        $after: [first]
      {{- if .NativeSidecars }}
      - name: istio-proxy
        $after: [istio-init]
      {{- end }}
      containers:
      - name: tail
        image: example.com/tail:1
        $before: [added, other]
        $after: [app]
  behind: |
    spec:
      initContainers:
      - name: istio-init
        $after: [first]
      - name: istio-proxy
        $after: [istio-init]
`

const (
	classic = `, sidecar.istio.io/nativeSidecar: "false"`
	native  = `, sidecar.istio.io/nativeSidecar: "true"`
	holds   = `, proxy.istio.io/config: "holdApplicationUntilProxyStarts: true"`
)

// neighbourhoods are the pods that neighbours meet, and what becomes of them.
var neighbourhoods = map[string]struct {
	annotations string
	// native says that the sidecar is to be native.
	native bool
	// ordered says that the installation with the templates above injects.
	ordered bool
	// first is the neighbour that puts an init container first.
	first            string
	init, containers []string
	// undisturbed says that our containers stand right wherever that one is.
	undisturbed bool
}{
	"native": {
		native:     true,
		first:      "first",
		init:       []string{"istio-init", "istio-proxy", "first", "setup"},
		containers: []string{"app", "other", "added"},
	},
	"classic": {
		annotations: classic,
		first:       "first",
		init:        []string{"first", "setup", "istio-init"},
		containers:  []string{"app", "other", "added", "istio-proxy"},
		undisturbed: true,
	},
	"classic, and the application waits": {
		annotations: classic + holds,
		first:       "first",
		init:        []string{"first", "setup", "istio-init"},
		containers:  []string{"istio-proxy", "app", "other", "added"},
		undisturbed: true,
	},
	"classic, beside one that insists": {
		annotations: classic,
		first:       "insists",
		init:        []string{"first", "setup", "istio-init"},
		containers:  []string{"app", "other", "added", "istio-proxy"},
		undisturbed: true,
	},
	"native, in a declared order": {
		native:     true,
		ordered:    true,
		first:      "first",
		init:       []string{"fetch", "first", "istio-init", "istio-proxy", "setup"},
		containers: []string{"app", "tail", "other", "added"},
	},
	"classic, in a declared order": {
		annotations: classic,
		ordered:     true,
		first:       "first",
		init:        []string{"fetch", "first", "setup", "istio-init"},
		containers:  []string{"app", "tail", "other", "added", "istio-proxy"},
	},
	"native, declared to stand behind one that insists": {
		annotations: `, inject.istio.io/templates: "sidecar,behind"`,
		native:      true,
		ordered:     true,
		first:       "insists",
		init:        []string{"first", "istio-init", "istio-proxy", "setup"},
		containers:  []string{"app", "other", "added"},
		undisturbed: true,
	},
}

// The mutating webhooks of others, before ours and after it by their names, asked
// once and asked again: in every combination the pod that is stored is the same,
// as if all that they add had been in its manifest.
func TestNeighbours(t *testing.T) {
	t.Parallel()
	moveIn(t)
	order := installOrdered(t)
	for sentence, c := range neighbourhoods {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			server, labels := first, enabled
			if c.ordered {
				server, labels = order, map[string]string{"istio.io/rev": "order"}
			}
			if c.native {
				c.annotations += nativeWanted(t)
			}
			pod := strings.Replace(original, "%s", c.annotations, 1)
			want := fresh(t, newNamespace(t, labels), pod)
			if diff := cmp.Diff([][]string{c.init, c.containers}, [][]string{names(want.Spec.InitContainers), names(want.Spec.Containers)}); diff != "" {
				t.Errorf("containers (-want +got):\n%s", diff)
			}
			for pair := range combinations("before-never", "before-ifneeded", "after-never", "after-ifneeded") {
				t.Run("adds "+pair[0]+", first "+pair[1], func(t *testing.T) {
					got := admitted(t, labels, pod, map[string]string{"adds": pair[0], c.first: pair[1]})
					wantSame(t, want, byVolume(got))
					wantProbesOfAdded(t, got)
					wantFixed(t, server, got)
					late := strings.HasPrefix(pair[0], "after") || strings.HasPrefix(pair[1], "after") && !c.undisturbed
					wantCalls(t, server, got, late)
				})
			}
		})
	}
	// This cannot be the same: where a neighbour insists on a place that our
	// templates want, too, who is asked last has it. Templates that say who goes
	// first settle it, as above.
	for when, want := range map[string][]string{
		"before-ifneeded": {"istio-init", "istio-proxy", "first", "setup"},
		"after-ifneeded":  {"first", "istio-init", "istio-proxy", "setup"},
	} {
		t.Run("two that insist, "+when, func(t *testing.T) {
			t.Parallel()
			got := admitted(t, enabled, strings.Replace(original, "%s", nativeWanted(t), 1), map[string]string{"insists": when})
			if diff := cmp.Diff(want, names(got.Spec.InitContainers)); diff != "" {
				t.Errorf("init containers (-want +got):\n%s", diff)
			}
		})
	}
}

// installOrdered makes the installation that has the templates above in force.
func installOrdered(t *testing.T) *injector.Injector {
	t.Helper()
	server, _ := install(t, injector.Options{Revision: "order"})
	before, err := server.Readiness(within(t))
	if err != nil {
		t.Fatal(err)
	}
	configure(t, server, ordered)
	await(t, server, func(c injector.Check) bool { return c.Hash != before.Checks["configuration"].Hash && accepted(c) })
	return server
}

// combinations are all pairs.
func combinations(of ...string) iter.Seq[[2]string] {
	return func(yield func([2]string) bool) {
		for _, a := range of {
			for _, b := range of {
				if !yield([2]string{a, b}) {
					return
				}
			}
		}
	}
}

// admitted creates a pod in a new namespace that neighbours mind, each as it says.
func admitted(t *testing.T, labels map[string]string, pod string, minded map[string]string) *corev1.Pod {
	t.Helper()
	labels = maps.Clone(labels)
	for neighbour, when := range minded {
		labels["example.com/"+neighbour] = when
	}
	got := post(t, newNamespace(t, labels), pod)
	if got.Err != nil {
		t.Fatal(got.Err)
	}
	return got.Pod
}

// fresh is the pod that comes of a manifest with what the neighbours add.
func fresh(t *testing.T, namespace, pod string) *corev1.Pod {
	t.Helper()
	pod = strings.Replace(pod, "initContainers: [", "initContainers: [{name: first, image: example.com/first:1}, ", 1)
	var added map[string]any
	if err := json.Unmarshal(addedContainer, &added); err != nil {
		t.Fatal(err)
	}
	oneLine, err := json.Marshal(added)
	if err != nil {
		t.Fatal(err)
	}
	pod = strings.TrimRight(pod, "\n") + "\n  - " + string(oneLine) + "\n  volumes: [{name: added}]\n"
	got := post(t, namespace, pod)
	if got.Err != nil {
		t.Fatal(got.Err)
	}
	return byVolume(got.Pod)
}

// byVolume puts a pod's volumes in order: the neighbour adds its own behind the
// ServiceAccount's, which comes last where the manifest has all.
func byVolume(pod *corev1.Pod) *corev1.Pod {
	pod = pod.DeepCopy()
	slices.SortFunc(pod.Spec.Volumes, func(a, b corev1.Volume) int { return strings.Compare(a.Name, b.Name) })
	return pod
}

// wantProbesOfAdded wants the kubelet to ask the agent, and the agent to know what
// to do then.
func wantProbesOfAdded(t *testing.T, pod *corev1.Pod) {
	t.Helper()
	c := container(pod, "added")
	if c.ReadinessProbe.HTTPGet.Path != "/app-health/added/readyz" || c.LivenessProbe.GRPC != nil || c.Lifecycle.PreStop.HTTPGet.Path != "/app-lifecycle/added/prestopz" {
		t.Errorf("probes are as they were: %+v", c)
	}
	var probers map[string]any
	if err := json.Unmarshal([]byte(variable(proxy(pod), "ISTIO_KUBE_APP_PROBERS")), &probers); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"/app-health/added/livez", "/app-health/added/readyz", "/app-health/app/livez", "/app-health/app/readyz", "/app-health/app/startupz",
		"/app-lifecycle/added/prestopz", "/app-lifecycle/app/prestopz",
	}
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(probers))); diff != "" {
		t.Errorf("the agent answers (-want +got):\n%s", diff)
	}
}
