// Inside the package: the events are those that a reflector calls with.
package cluster

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/tools/cache"

	"outrigger.dev/outrigger/inject"
)

// testNode is a node with labels given as "key=value ...", and its hostname.
func testNode(name, kubelet, labels string) *corev1.Node {
	node := &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{corev1.LabelHostname: "host-" + name}},
		Status:     corev1.NodeStatus{NodeInfo: corev1.NodeSystemInfo{KubeletVersion: kubelet}},
	}
	for _, label := range strings.Fields(labels) {
		key, value, _ := strings.Cut(label, "=")
		node.Labels[key] = value
	}
	return node
}

// nodesOf knows these nodes.
func nodesOf(all ...*corev1.Node) *Nodes {
	n := NewNodes(fake.NewClientset())
	var read []namedNode
	for _, each := range all {
		read = append(read, readNode(each))
	}
	n.replace(read)
	return n
}

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
			var all []*corev1.Node
			for name, kubelet := range c.kubelets {
				all = append(all, testNode(name, kubelet, ""))
			}
			if diff := cmp.Diff(c.want, nodesOf(all...).Native(&corev1.PodSpec{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestNodesFollowComingAndGoing(t *testing.T) {
	n := NewNodes(fake.NewClientset(testNode("a", "v1.37.2", "")))
	if n.Native(&corev1.PodSpec{}).Supported || n.Synced() {
		t.Error("native sidecars before a node was seen")
	}
	ran := make(chan struct{})
	t.Cleanup(func() { <-ran })
	go func() {
		defer close(ran)
		n.Run(t.Context())
	}()
	cache.WaitForCacheSync(t.Context().Done(), n.Synced)
	if got := n.Native(&corev1.PodSpec{}); !got.Supported {
		t.Errorf("one new node: %+v", got)
	}

	n = nodesOf(testNode("a", "v1.37.2", ""))
	for _, step := range []struct {
		what string
		do   func()
		want bool
	}{
		{"an old one joins", func() { n.set(readNode(testNode("b", "v1.30.1", ""))) }, false},
		{"it is upgraded", func() { n.set(readNode(testNode("b", "v1.33.0", ""))) }, true},
		{"it is downgraded", func() { n.set(readNode(testNode("b", "v1.32.0", ""))) }, false},
		{"it goes", func() { n.remove(readNode(testNode("b", "v1.32.0", ""))) }, true},
		{"after a gap another one is old", func() { n.replace([]namedNode{readNode(testNode("c", "v1.32.0", ""))}) }, false},
	} {
		step.do()
		if got := n.Native(&corev1.PodSpec{}); got.Supported != step.want {
			t.Errorf("%s: %+v, want %t", step.what, got, step.want)
		}
	}
}

// A kubelet writes its node's status all the time.
func TestHeartbeatChangesNothing(t *testing.T) {
	n := nodesOf(testNode("a", "v1.33.0", "pool=new"), testNode("b", "v1.32.0", ""))
	before := n.fleet.Load()
	beat := testNode("a", "v1.33.0", "pool=new")
	beat.ResourceVersion, beat.Annotations = "8", map[string]string{"x": "y"}
	beat.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady}}
	n.set(readNode(beat))
	if n.fleet.Load() != before {
		t.Error("a heartbeat made everything be worked out again")
	}
	generation := n.Generation()
	n.set(readNode(testNode("a", "v1.33.0", "pool=old")))
	if n.fleet.Load() == before || n.Generation() == generation {
		t.Error("another label changed nothing")
	}
}

// Answers are remembered elsewhere for as long as the generation is the same.
func TestGenerationChangesWithTheAnswers(t *testing.T) {
	n := nodesOf(testNode("a", "v1.33.0", ""))
	for _, step := range []struct {
		what string
		do   func()
		want bool
	}{
		{"another node that is new enough", func() { n.set(readNode(testNode("b", "v1.34.0", ""))) }, false},
		{"it goes", func() { n.remove(readNode(testNode("b", "v1.34.0", ""))) }, false},
		{"an old one", func() { n.set(readNode(testNode("c", "v1.32.0", ""))) }, true},
		{"its pool", func() { n.set(readNode(testNode("c", "v1.32.0", "pool=x"))) }, true},
		{"the new one goes", func() { n.remove(readNode(testNode("a", "v1.33.0", ""))) }, true},
		{"another old one", func() { n.set(readNode(testNode("d", "v1.32.0", ""))) }, false},
		{"one that is to blame before", func() { n.set(readNode(testNode("b", "v1.32.0", ""))) }, true},
	} {
		before := n.Generation()
		step.do()
		if got := n.Generation() != before; got != step.want {
			t.Errorf("%s: another generation %t, want %t", step.what, got, step.want)
		}
	}
}

// What pods have asked is worked out at the event, not for the next of them.
func TestAnswersAreRenewedWhenANodeChanges(t *testing.T) {
	n := nodesOf(testNode("a", "v1.33.0", "pool=a"), testNode("b", "v1.33.0", "pool=b"), testNode("c", "v1.30.0", ""))
	spec := &corev1.PodSpec{NodeSelector: map[string]string{"pool": "a"}}
	if got := n.Native(spec); !got.Supported {
		t.Fatalf("before: %+v", got)
	}
	n.set(readNode(testNode("a", "v1.31.0", "pool=a")))
	key, err := placementKey(spec)
	if err != nil {
		t.Fatal(err)
	}
	known, ok := n.fleet.Load().answers.Load(key)
	if !ok {
		t.Fatal("nothing is known of what was asked before")
	}
	want := inject.Native{Why: `node "a" runs kubelet v1.31.0, older than 1.33`}
	if diff := cmp.Diff(want, known.(answer).native); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAnswersAreBounded(t *testing.T) {
	n := nodesOf(testNode("a", "v1.33.0", ""), testNode("b", "v1.30.0", ""))
	for i := range 3*maxAnswers + 1 {
		n.Native(&corev1.PodSpec{NodeSelector: map[string]string{"pool": fmt.Sprint(i)}})
	}
	kept := 0
	n.fleet.Load().answers.Range(func(any, any) bool { kept++; return true })
	if kept == 0 || kept > maxAnswers {
		t.Errorf("%d answers are remembered, want some, at most %d", kept, maxAnswers)
	}
}

func TestNodesAreAskedWhileTheyChange(t *testing.T) {
	n := nodesOf(testNode("a", "v1.33.0", "pool=a"), testNode("b", "v1.30.0", "pool=b"))
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for i := range 500 {
				n.Native(&corev1.PodSpec{NodeSelector: map[string]string{"pool": fmt.Sprint(i % 7)}})
			}
		})
	}
	for i := range 200 {
		n.set(readNode(testNode("c", "v1.3"+fmt.Sprint(i%6)+".0", "pool=a")))
	}
	all.Wait()
	if got := n.Native(&corev1.PodSpec{NodeSelector: map[string]string{"pool": "b"}}); got.Supported {
		t.Errorf("got %+v", got)
	}
}

// What is kept of a node is little, in a cluster of the size that Kubernetes is
// tested with, and of it next to nothing is a node's own.
func TestNodesAreSmall(t *testing.T) {
	for name, c := range map[string]struct {
		own   string // labels of each node
		bytes uint64
	}{
		"nodes that are like others":      {"", 400},
		"nodes with a label of their own": {"example.com/id=%d", 1600},
	} {
		t.Run(name, func(t *testing.T) {
			const count = 5000
			n := nodesOf()
			before := heap()
			var read []namedNode
			for i := range count {
				kubelet := "v1.33." + fmt.Sprint(i%2)
				if i%2 == 0 {
					kubelet = "v1.32.1"
				}
				labels := strings.Replace(c.own, "%d", fmt.Sprint(i), 1)
				for l := range 25 {
					labels += fmt.Sprintf(" node.kubernetes.io/label-%d=value-%d-of-pool-%d", l, l, i%20)
				}
				read = append(read, readNode(testNode(fmt.Sprintf("ip-10-0-%d-%d.compute.internal", i/256, i%256), kubelet, labels)))
			}
			n.replace(read)
			read = nil
			each := (heap() - before) / count
			t.Logf("%d bytes a node", each)
			if each > c.bytes {
				t.Errorf("%d bytes a node, want at most %d", each, c.bytes)
			}
			runtime.KeepAlive(n)
		})
	}
}

// heap is what is in use once what is not has been collected.
func heap() uint64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}
