package cluster_test

import (
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/tools/cache"

	"outrigger.dev/outrigger/inject"
	"outrigger.dev/outrigger/internal/cluster"
)

// Why a pod got the kind of sidecar that it has is in the trace of its decision.
func TestTraceSaysWhichNodeDecided(t *testing.T) {
	node := func(name, kubelet string) *corev1.Node {
		return &corev1.Node{
			ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"pool": name}},
			Status:     corev1.NodeStatus{NodeInfo: corev1.NodeSystemInfo{KubeletVersion: kubelet}},
		}
	}
	nodes := cluster.NewNodes(fake.NewClientset(node("old", "v1.32.1"), node("new", "v1.33.0")))
	ran := make(chan struct{})
	t.Cleanup(func() { <-ran })
	go func() {
		defer close(ran)
		nodes.Run(t.Context())
	}()
	cache.WaitForCacheSync(t.Context().Done(), nodes.Synced)
	in, err := inject.New(texts(enabled), inject.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	for spec, want := range map[string]string{
		``:                               `native sidecar: false: node "old" runs kubelet v1.32.1, older than 1.33`,
		`"nodeSelector":{"pool":"new"},`: `native sidecar: true: every node that the pod may land on is 1.33 or newer`,
		`"nodeName":"new",`:              `native sidecar: true: node "new" is 1.33 or newer`,
	} {
		result, err := in.Inject(inject.Request{
			Pod:       []byte(`{"metadata":{"name":"p"},"spec":{` + spec + `"containers":[{"name":"app","image":"x"}]}}`),
			Namespace: inject.Namespace{Name: "shop"},
			Native:    nodes.Native,
		})
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(result.Decision.Trace, func(s inject.Step) bool { return s.Input == want }) {
			t.Errorf("%s: the trace lacks %q: %v", spec, want, result.Decision.Trace)
		}
		if native := strings.Contains(want, ": true: "); native != strings.Contains(string(result.Pod()), `"restartPolicy":"Always"`) {
			t.Errorf("%s: the sidecar is not as the trace says", spec)
		}
	}
}
