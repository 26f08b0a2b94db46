package e2e_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"outrigger.dev/outrigger/test/e2e/injector"
)

// What the server decides about pods that it is asked about, as it reaches the
// person who creates the pod and the audit log. It is asked about all that may be
// kept from it, too.
func TestDecisionsReachUserAndAuditLog(t *testing.T) {
	t.Parallel()
	install(t, injector.Options{Revision: "told", Values: nothingExcluded})
	told := map[string]string{"istio.io/rev": "told"}
	hostNetwork := func(pod *corev1.Pod) { pod.Spec.HostNetwork = true }
	windows := func(pod *corev1.Pod) { pod.Spec.OS = &corev1.PodOS{Name: corev1.Windows} }
	mirror := func(pod *corev1.Pod) { // as a kubelet writes it
		annotated("kubernetes.io/config.mirror", "x")(pod)
		pod.Spec.NodeName, pod.Spec.SchedulingGates = "node-1", nil
	}
	for name, c := range map[string]struct {
		labels map[string]string
		change func(*corev1.Pod)
		// decision and reason are what the audit log has; "" where nobody was asked.
		decision, reason string
		// warning begins the one warning, refusal is in the error.
		warning, refusal string
	}{
		"the policy injects": {
			labels: enabled, change: func(*corev1.Pod) {}, decision: "inject", reason: "policy",
		},
		"the pod asks": {
			change: labelled(map[string]string{"sidecar.istio.io/inject": "true"}), decision: "inject", reason: "pod-label",
		},
		"the pod's label declines": {
			labels: enabled, change: labelled(map[string]string{"sidecar.istio.io/inject": "false"}),
		},
		"the pod's annotation declines": {
			labels: told, change: annotated("sidecar.istio.io/inject", "false"), decision: "skip", reason: "pod-annotation",
			warning: "annotation sidecar.istio.io/inject is deprecated: write a label",
		},
		"the label goes before the annotation": {
			labels: enabled,
			change: func(pod *corev1.Pod) {
				annotated("sidecar.istio.io/inject", "false")(pod)
				labelled(map[string]string{"sidecar.istio.io/inject": "true"})(pod)
			},
			decision: "inject", reason: "pod-label", warning: "annotation sidecar.istio.io/inject is deprecated: write a label",
		},
		"a value that says nothing is warned of": {
			labels: enabled, change: labelled(map[string]string{"sidecar.istio.io/inject": "yes"}), decision: "inject", reason: "policy",
			warning: "label sidecar.istio.io/inject",
		},
		"the host's network": {
			labels: told, change: hostNetwork, decision: "skip", reason: "host-network",
			warning: "no sidecar: the pod uses the host network",
		},
		"the host's network goes before what the pod asks": {
			labels: told,
			change: func(pod *corev1.Pod) {
				labelled(map[string]string{"sidecar.istio.io/inject": "true"})(pod)
				hostNetwork(pod)
			},
			decision: "skip", reason: "host-network", warning: "no sidecar: the pod uses the host network",
		},
		"Windows": {
			labels: told, change: windows, decision: "skip", reason: "windows", warning: "no sidecar: the pod runs on Windows",
		},
		"a mirror of a static pod": {
			labels: told, change: mirror, decision: "skip", reason: "mirror-pod",
		},
		"an unknown template": {
			labels: enabled, change: annotated("inject.istio.io/templates", "sidecar,nope"),
			refusal: `denied the request: annotation inject.istio.io/templates: template "nope" is unknown`,
		},
		"a bad value of an annotation": {
			labels: enabled, change: annotated("traffic.sidecar.istio.io/excludeInboundPorts", "http"),
			refusal: "traffic.sidecar.istio.io/excludeInboundPorts",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			namespace := newNamespace(t, c.labels)
			got := create(t, namespace, newPod("pod", c.change))
			if c.refusal != "" {
				if got.Err == nil || !strings.Contains(got.Err.Error(), c.refusal) {
					t.Errorf("created with %v, want a refusal with %q", got.Err, c.refusal)
				}
				return
			}
			if got.Err != nil {
				t.Fatal(got.Err)
			}
			if injected := injectedBy(got.Pod) != ""; injected != (c.decision == "inject") {
				t.Errorf("injected is %t with decision %q", injected, c.decision)
			}
			if c.warning == "" && len(got.Warnings) > 0 || c.warning != "" && (len(got.Warnings) != 1 || !strings.HasPrefix(got.Warnings[0], c.warning)) {
				t.Errorf("warnings %q, want one that begins with %q", got.Warnings, c.warning)
			}
			var decision, reason string
			if asked := calls(t, namespace+"/pod")[namespace+"/pod"]; len(asked) == 1 {
				decision, reason = asked[0].Said["decision"], asked[0].Said["reason"]
			}
			if diff := cmp.Diff([]string{c.decision, c.reason}, []string{decision, reason}); diff != "" {
				t.Errorf("audit log (-want +got):\n%s", diff)
			}
		})
	}
}

// A refusal is the pod's fault, and says so: 422, whatever failurePolicy is.
func TestDenialHasItsStatus(t *testing.T) {
	t.Parallel()
	got := create(t, newNamespace(t, enabled), newPod("pod", annotated("inject.istio.io/templates", "nope")))
	status := apierrors.APIStatus(nil)
	if s, ok := got.Err.(apierrors.APIStatus); ok {
		status = s
	}
	if status == nil || status.Status().Code != http.StatusUnprocessableEntity {
		t.Errorf("refused with %v, want a status of 422", got.Err)
	}
}

// The namespaces that hold the cluster up, and our own, are left alone by the API
// server already, whatever a pod in them asks for.
func TestSystemNamespacesAreNotAskedAbout(t *testing.T) {
	t.Parallel()
	for _, namespace := range []string{"kube-system", "kube-public", "kube-node-lease", "outrigger-system"} {
		t.Run(namespace, func(t *testing.T) {
			t.Parallel()
			newServiceAccount(t, namespace)
			pod := mustCreate(t, namespace, newPod("asks", labelled(map[string]string{"sidecar.istio.io/inject": "true"})))
			if injectedBy(pod) != "" {
				t.Error("injected")
			}
			if asked := calls(t, namespace+"/asks")[namespace+"/asks"]; len(asked) > 0 {
				t.Errorf("asked about: %v", asked)
			}
		})
	}
}
