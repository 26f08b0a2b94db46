package cluster_test

import (
	"errors"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"outrigger.dev/outrigger/internal/cluster"
)

func TestCanarySaysWhatBecameOfIt(t *testing.T) {
	for name, tc := range map[string]struct {
		annotation string
		fault      error
		want       error
	}{
		"answered":        {annotation: "answered"},
		"nobody was told": {annotation: "asked", want: cluster.ErrNotCalled},
		"the webhook cannot be reached": {
			fault: errors.New(`Internal error occurred: failed calling webhook "canary.injector.outrigger.dev": connection refused`),
			want:  cluster.ErrUnreachable,
		},
		"a policy refuses the pod": {fault: errors.New(`pods "x" is forbidden: violates PodSecurity`), want: cluster.ErrRefused},
	} {
		t.Run(name, func(t *testing.T) {
			client := fake.NewClientset()
			client.PrependReactor("create", "pods", func(a clienttesting.Action) (bool, runtime.Object, error) {
				create := a.(clienttesting.CreateActionImpl)
				if got := create.GetCreateOptions().DryRun; len(got) != 1 || got[0] != "All" {
					t.Errorf("dry run %q, want All", got)
				}
				pod := create.GetObject().(*corev1.Pod).DeepCopy()
				if pod.Labels["k"] != "canary" || pod.Annotations["k"] != "asked" {
					t.Errorf("labels %v, annotations %v", pod.Labels, pod.Annotations)
				}
				pod.Annotations["k"] = tc.annotation
				return true, pod, tc.fault
			})
			canary := cluster.Canary{Pods: client.CoreV1().Pods("outrigger-system"), Key: "k", Revision: "canary", Asked: "asked", Answered: "answered"}
			if err := canary.Call(t.Context()); !errors.Is(err, tc.want) {
				t.Errorf("got %v, want %v", err, tc.want)
			}
		})
	}
}
