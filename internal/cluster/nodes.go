package cluster

import (
	"context"
	"crypto/sha256"
	"fmt"
	"sync/atomic"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/version"
	"k8s.io/client-go/tools/cache"

	"outrigger.dev/outrigger/inject"
)

// nativeMinor is the first minor version of the kubelet with native sidecars for
// good; it is the one that Istio asks for, too.
const nativeMinor = 33

// Nodes knows where native sidecars run. What it says of a pod is worked out when
// a node comes, goes or is changed, and only looked up for the pod; a pod of a kind
// not seen before is the exception, once. Safe for concurrent use.
//
// Nodes that differ in nothing but their names share all else that is kept of
// them: that is 300 bytes a node with 25 labels, and 1200 where one of these is its
// own.
type Nodes struct {
	reflector *cache.Reflector
	fleet     atomic.Pointer[fleet]
	synced    atomic.Bool
	// generation counts up after the fleet has come to answer differently.
	generation atomic.Uint64

	// The rest belongs to the reflector.
	nodes   map[string]node
	classes map[[sha256.Size]byte]*class
}

// A node is what is kept of one.
type node struct {
	class *class
	// hostname is the label of that name. It is kept apart: no two nodes share it.
	hostname string
}

// A class is what nodes have in common that a pod cannot tell from each other but
// by their names. It does not change.
type class struct {
	id      [sha256.Size]byte
	kubelet string
	labels  labelSet
	// against is what stands against native sidecars, "" for nothing.
	against string
}

// NewNodes needs the right to list and watch nodes.
func NewNodes(client Client) *Nodes {
	n := &Nodes{nodes: map[string]node{}, classes: map[[sha256.Size]byte]*class{}}
	n.fleet.Store(&fleet{every: inject.Native{Why: "what the nodes run is not known yet"}})
	n.reflector = cache.NewReflectorWithOptions(listerWatcher(client.CoreV1().Nodes(), ""), &corev1.Node{}, mirror[namedNode]{
		read:    readNode,
		replace: n.replace,
		set:     n.set,
		remove:  n.remove,
	}, cache.ReflectorOptions{Name: "nodes"})
	return n
}

// Run watches until ctx ends.
func (n *Nodes) Run(ctx context.Context) { n.reflector.RunWithContext(ctx) }

// Synced says whether every node there was at the start is known.
func (n *Nodes) Synced() bool { return n.synced.Load() }

// Native is what "auto" means for a pod now. A pod that is bound to a node, by
// nodeName or as a DaemonSet binds its own, asks that node alone; one that chooses
// by nodeSelector or required node affinity all nodes that it may land on; any
// other, and one that no node is known for, all there are.
func (n *Nodes) Native(spec *corev1.PodSpec) inject.Native { return n.fleet.Load().native(spec) }

// Generation is another number once Native may have come to answer differently.
func (n *Nodes) Generation() uint64 { return n.generation.Load() }

// A namedNode is a node as it is read, before it is found to be like others.
type namedNode struct {
	name, hostname string
	class          *class
}

// readNode leaves of a node what is asked for: of the ten kilobytes that it has,
// a few hundred bytes.
func readNode(object any) namedNode {
	from := object.(*corev1.Node)
	c := &class{kubelet: from.Status.NodeInfo.KubeletVersion, labels: pack(from.Labels, corev1.LabelHostname)}
	text := sha256.New()
	_, _ = fmt.Fprintf(text, "%q", c.kubelet)
	for _, label := range c.labels {
		_, _ = fmt.Fprintf(text, "%q%q", label.key.Value(), label.value.Value())
	}
	text.Sum(c.id[:0])
	return namedNode{name: from.Name, hostname: from.Labels[corev1.LabelHostname], class: c}
}

func (n *Nodes) replace(all []namedNode) {
	n.nodes = make(map[string]node, len(all))
	for _, found := range all {
		n.keep(found)
	}
	n.settle()
	n.synced.Store(true)
}

func (n *Nodes) set(found namedNode) {
	before, known := n.nodes[found.name]
	if known && before.class.id == found.class.id && before.hostname == found.hostname {
		return // a heartbeat
	}
	n.keep(found)
	n.settle()
}

func (n *Nodes) remove(gone namedNode) {
	delete(n.nodes, gone.name)
	n.settle()
}

// keep keeps a node, with the class of those that are like it.
func (n *Nodes) keep(found namedNode) {
	like, ok := n.classes[found.class.id]
	if !ok {
		like = found.class
		like.against = against(like.kubelet)
		n.classes[like.id] = like
	}
	n.nodes[found.name] = node{class: like, hostname: found.hostname}
}

// settle makes what the nodes are now what pods are told, with an answer for each
// kind of pod that has been seen, and forgets classes that no node is of.
func (n *Nodes) settle() {
	fresh, before := newFleet(n.nodes), n.fleet.Load()
	fresh.recall(before)
	n.fleet.Store(fresh)
	if fresh.mixed || before.mixed || fresh.every != before.every {
		n.generation.Add(1)
	}
	clear(n.classes)
	for _, each := range n.nodes {
		n.classes[each.class.id] = each.class
	}
}

// NativeFor is what "auto" means where every node runs this version of Kubernetes.
func NativeFor(version string) inject.Native {
	if against := against(version); against != "" {
		return inject.Native{Why: "every node " + against}
	}
	return inject.Native{Supported: true, Why: "every node runs kubelet " + version}
}

// against is what stands against native sidecars on a kubelet, "" for nothing. As
// in Istio only the minor version is looked at.
func against(kubelet string) string {
	parsed, err := version.ParseGeneric(kubelet)
	if err != nil {
		return fmt.Sprintf("runs kubelet %q, which is no version", kubelet)
	}
	if parsed.Minor() < nativeMinor {
		return fmt.Sprintf("runs kubelet %s, older than 1.%d", kubelet, nativeMinor)
	}
	return ""
}
