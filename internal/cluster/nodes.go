package cluster

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/version"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"

	"outrigger.dev/outrigger/inject"
)

// nativeMinor is the first minor version of the kubelet with native sidecars for
// good; it is the one that Istio asks for, too.
const nativeMinor = 33

// Nodes knows whether every node runs native sidecars. What it says is worked
// out when a node comes, goes or is upgraded, and only read for a pod. Safe for
// concurrent use.
type Nodes struct {
	controller cache.Controller
	native     atomic.Pointer[inject.Native]

	mu       sync.Mutex
	versions map[string]string
}

// NewNodes needs the right to list and watch nodes.
func NewNodes(client kubernetes.Interface) *Nodes {
	n := &Nodes{versions: map[string]string{}}
	n.native.Store(&inject.Native{Why: "what the nodes run is not known yet"})
	nodes := client.CoreV1().Nodes()
	_, n.controller = cache.NewInformerWithOptions(cache.InformerOptions{
		ListerWatcher: listerWatcher(nodes, ""),
		ObjectType:    &corev1.Node{},
		Transform:     trimNode,
		Handler: cache.ResourceEventHandlerFuncs{
			AddFunc:    func(node any) { n.note(node.(*corev1.Node)) },
			UpdateFunc: func(_, node any) { n.note(node.(*corev1.Node)) },
			DeleteFunc: n.forget,
		},
	})
	return n
}

// Run watches until ctx ends.
func (n *Nodes) Run(ctx context.Context) {
	go func() {
		// A cluster without nodes sends no event to work anything out at.
		if cache.WaitForCacheSync(ctx.Done(), n.controller.HasSynced) {
			n.mu.Lock()
			defer n.mu.Unlock()
			n.settle()
		}
	}()
	n.controller.RunWithContext(ctx)
}

// Synced says whether every node there was at the start is known.
func (n *Nodes) Synced() bool { return n.controller.HasSynced() }

// Native is what "auto" means for a pod now.
func (n *Nodes) Native(*corev1.PodSpec) inject.Native { return *n.native.Load() }

func (n *Nodes) note(node *corev1.Node) {
	n.mu.Lock()
	defer n.mu.Unlock()
	kubelet := node.Status.NodeInfo.KubeletVersion
	if known, ok := n.versions[node.Name]; ok && known == kubelet {
		return // a heartbeat
	}
	n.versions[node.Name] = kubelet
	n.settle()
}

func (n *Nodes) forget(object any) {
	if gone, ok := object.(cache.DeletedFinalStateUnknown); ok {
		object = gone.Obj
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.versions, object.(*corev1.Node).Name)
	n.settle()
}

// settle works out what "auto" means. n.mu is held.
func (n *Nodes) settle() {
	native := nativeOn(n.versions)
	n.native.Store(&native)
}

// nativeOn says whether nodes with these kubelets run native sidecars: all of
// them, or none counts. Without any node there is nothing that stands against
// it. As in Istio only the minor version is looked at.
func nativeOn(kubelets map[string]string) inject.Native {
	if len(kubelets) == 0 {
		return inject.Native{Supported: true, Why: "there are no nodes"}
	}
	for _, name := range slices.Sorted(maps.Keys(kubelets)) {
		kubelet, err := version.ParseGeneric(kubelets[name])
		if err != nil {
			return inject.Native{Why: fmt.Sprintf("node %q runs kubelet %q, which is no version", name, kubelets[name])}
		}
		if kubelet.Minor() < nativeMinor {
			return inject.Native{Why: fmt.Sprintf("node %q runs kubelet %s, older than 1.%d", name, kubelets[name], nativeMinor)}
		}
	}
	return inject.Native{Supported: true, Why: fmt.Sprintf("every node is 1.%d or newer", nativeMinor)}
}

// trimNode leaves of a node what is read, and what an informer needs: of the
// kilobytes that a node has, a hundred bytes.
func trimNode(object any) (any, error) {
	node, ok := object.(*corev1.Node)
	if !ok {
		return object, nil // a tombstone
	}
	return &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: node.Name, UID: node.UID, ResourceVersion: node.ResourceVersion},
		Status:     corev1.NodeStatus{NodeInfo: corev1.NodeSystemInfo{KubeletVersion: node.Status.NodeInfo.KubeletVersion}},
	}, nil
}
