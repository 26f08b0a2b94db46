package conformance_test

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"outrigger.dev/outrigger/inject"
)

// TestInjectedByIstiod: a pod that istiod's injector injected is injected again
// to what a fresh injection of the original pod gives, and then left alone. The
// wanted outputs stand for istiod's: they are what it makes of the pods.
func TestInjectedByIstiod(t *testing.T) {
	for _, c := range cases(t) {
		for i, pod := range c.Pods {
			t.Run(fmt.Sprintf("%s/pod-%d", c.name, i), func(t *testing.T) {
				t.Parallel()
				s := c.subject(t, pod.Namespace)
				fresh := s.inject(t, c.read(t, pod.Pod))
				if fresh.Decision.Verdict != inject.Inject {
					return
				}
				again := s.inject(t, c.read(t, pod.Want))
				var want, got corev1.Pod
				decode(t, fresh.Pod(), &want)
				decode(t, again.Pod(), &got)
				compare(t, &want, &got)
				if third := s.inject(t, again.Pod()); len(third.Patch) > 0 {
					t.Errorf("the call after that has the patch %v", third.Patch)
				}
			})
		}
	}
}
