// Inside the package: what a set of kubelets means is a function of its own.
package cluster

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/tools/cache"

	"outrigger.dev/outrigger/inject"
)

func TestNativeTakesEveryNode(t *testing.T) {
	for name, c := range map[string]struct {
		kubelets map[string]string
		want     inject.Native
	}{
		"no node stands against it": {
			want: inject.Native{Supported: true, Why: "there are no nodes"},
		},
		"all are new enough": {
			kubelets: map[string]string{"a": "v1.33.0", "b": "v1.37.2-gke.100", "c": "v1.34.1+rke2r1"},
			want:     inject.Native{Supported: true, Why: "every node is 1.33 or newer"},
		},
		"one is too old": {
			kubelets: map[string]string{"a": "v1.33.0", "b": "v1.32.9"},
			want:     inject.Native{Why: `node "b" runs kubelet v1.32.9, older than 1.33`},
		},
		"the first by name is blamed": {
			kubelets: map[string]string{"d": "v1.30.0", "c": "v1.31.0", "b": "v1.33.0"},
			want:     inject.Native{Why: `node "c" runs kubelet v1.31.0, older than 1.33`},
		},
		"one is not to be told": {
			kubelets: map[string]string{"a": "kwok-0.8.0"},
			want:     inject.Native{Why: `node "a" runs kubelet "kwok-0.8.0", which is no version`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, nativeOn(c.kubelets)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestNodesFollowComingAndGoing(t *testing.T) {
	node := func(name, kubelet string) *corev1.Node {
		return &corev1.Node{
			ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"a": "b"}},
			Status:     corev1.NodeStatus{NodeInfo: corev1.NodeSystemInfo{KubeletVersion: kubelet}},
		}
	}
	n := NewNodes(fake.NewClientset(node("a", "v1.37.2")))
	if n.Native(nil).Supported {
		t.Error("native sidecars before a node was seen")
	}
	go n.Run(t.Context())
	cache.WaitForCacheSync(t.Context().Done(), n.Synced)

	// The handlers themselves from here on: they are what an event calls.
	n.note(node("a", "v1.37.2"))
	for _, step := range []struct {
		what string
		do   func()
		want bool
	}{
		{"one new node", func() {}, true},
		{"an old one joins", func() { n.note(node("b", "v1.30.1")) }, false},
		{"a heartbeat", func() { n.note(node("b", "v1.30.1")) }, false},
		{"it is upgraded", func() { n.note(node("b", "v1.33.0")) }, true},
		{"it is downgraded", func() { n.note(node("b", "v1.32.0")) }, false},
		{"it goes, unseen", func() { n.forget(cache.DeletedFinalStateUnknown{Obj: node("b", "")}) }, true},
	} {
		step.do()
		if got := n.Native(nil); got.Supported != step.want {
			t.Errorf("%s: %+v, want %t", step.what, got, step.want)
		}
	}
}

func TestTrimmedNodeIsSmall(t *testing.T) {
	full := &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: "a", UID: "u", ResourceVersion: "7", Annotations: map[string]string{"x": "y"}},
		Status: corev1.NodeStatus{
			Images:   []corev1.ContainerImage{{Names: []string{"an image"}}},
			NodeInfo: corev1.NodeSystemInfo{KubeletVersion: "v1.37.2", KernelVersion: "6"},
		},
	}
	want := &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: "a", UID: "u", ResourceVersion: "7"},
		Status:     corev1.NodeStatus{NodeInfo: corev1.NodeSystemInfo{KubeletVersion: "v1.37.2"}},
	}
	got, err := trimNode(full)
	if diff := cmp.Diff(any(want), got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}
