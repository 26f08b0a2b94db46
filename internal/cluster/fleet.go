package cluster

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	corev1 "k8s.io/api/core/v1"

	"outrigger.dev/outrigger/inject"
)

// maxAnswers is how many kinds of pods a fleet remembers the answers for. A
// cluster has as many as its workloads choose nodes in different ways.
const maxAnswers = 256

// A fleet is all nodes at one time. It does not change, but it remembers the
// answers that it has given. Safe for concurrent use.
type fleet struct {
	// every is the answer for a pod that may land anywhere. Unless the fleet is
	// mixed it is the answer for all pods, and nothing else is set.
	every inject.Native
	mixed bool

	nodes  map[string]node
	groups []group

	answers sync.Map // of answer, by placement key
	count   atomic.Int64
}

// A group is the nodes of one class, in the order of their names.
type group struct {
	class *class
	names []string
}

// An answer is what a placement was told.
type answer struct {
	to     *placement
	native inject.Native
}

// newFleet makes a fleet of nodes by name:
//
//	no nodes                        native: nothing stands against it
//	all run native sidecars         native
//	none does                       not native, the first by name to blame
//	some do                         by where the pod may land; not native for one that may land anywhere
func newFleet(nodes map[string]node) *fleet {
	if len(nodes) == 0 {
		return &fleet{every: inject.Native{Supported: true, Why: "there are no nodes"}}
	}
	blamed, old := "", 0
	for name, n := range nodes {
		if n.class.against == "" {
			continue
		}
		old++
		if blamed == "" || name < blamed {
			blamed = name
		}
	}
	if old == 0 {
		return &fleet{every: inject.Native{Supported: true, Why: fmt.Sprintf("every node is 1.%d or newer", nativeMinor)}}
	}
	f := &fleet{every: on(blamed, nodes[blamed].class), mixed: old < len(nodes)}
	if f.mixed {
		f.nodes = maps.Clone(nodes)
		f.groups = grouped(f.nodes)
	}
	return f
}

// on is what "auto" means on one node.
func on(name string, c *class) inject.Native {
	if c.against != "" {
		return inject.Native{Why: fmt.Sprintf("node %q %s", name, c.against)}
	}
	return inject.Native{Supported: true, Why: fmt.Sprintf("node %q is 1.%d or newer", name, nativeMinor)}
}

// grouped puts nodes of one class together.
func grouped(nodes map[string]node) []group {
	names := map[*class][]string{}
	for name, n := range nodes {
		names[n.class] = append(names[n.class], name)
	}
	groups := make([]group, 0, len(names))
	for c, of := range names {
		slices.Sort(of)
		groups = append(groups, group{class: c, names: of})
	}
	slices.SortFunc(groups, func(a, b group) int { return cmp.Compare(a.names[0], b.names[0]) })
	return groups
}

// native is the answer for a pod.
func (f *fleet) native(spec *corev1.PodSpec) inject.Native {
	if !f.mixed {
		return f.every
	}
	if name := boundTo(spec); name != "" {
		if n, known := f.nodes[name]; known {
			return on(name, n.class)
		}
		return f.noneFits("node %q is not known", name)
	}
	key, err := placementKey(spec)
	if err != nil {
		return f.noneFits("%v", err)
	}
	if key == "" {
		return f.every
	}
	if known, ok := f.answers.Load(key); ok {
		return known.(answer).native
	}
	to := placementOf(spec)
	native := f.judge(to)
	f.remember(key, answer{to, native})
	return native
}

// noneFits is the answer for a pod that no node is known for: that of all.
func (f *fleet) noneFits(why string, args ...any) inject.Native {
	return inject.Native{Supported: f.every.Supported, Why: fmt.Sprintf(why, args...) + ", so all count: " + f.every.Why}
}

// judge works out the answer for pods that may land on certain nodes: each of
// them must run native sidecars.
func (f *fleet) judge(to *placement) inject.Native {
	landed, blamed := false, ""
	for _, g := range f.groups {
		name, fits := f.first(g, to)
		if !fits {
			continue
		}
		landed = true
		if g.class.against != "" && (blamed == "" || name < blamed) {
			blamed = name
		}
	}
	switch {
	case !landed:
		return f.noneFits("no node fits the pod's nodeSelector and node affinity")
	case blamed != "":
		return on(blamed, f.nodes[blamed].class)
	}
	return inject.Native{Supported: true, Why: fmt.Sprintf("every node that the pod may land on is 1.%d or newer", nativeMinor)}
}

// first is the first node of a group that a pod may land on. Where it does not
// ask for names one node is as good as another.
func (f *fleet) first(g group, to *placement) (string, bool) {
	names := g.names
	if !to.byName {
		names = names[:1]
	}
	for _, name := range names {
		if to.admits(landing{name, f.nodes[name]}) {
			return name, true
		}
	}
	return "", false
}

// remember keeps an answer. Past a bound it forgets those before: pods choose
// what is remembered.
func (f *fleet) remember(key string, a answer) {
	if f.count.Add(1) > maxAnswers {
		f.answers.Clear()
		f.count.Store(1)
	}
	f.answers.Store(key, a)
}

// recall works out what a fleet of before was asked. Without that the next pod of
// each kind would wait for it.
func (f *fleet) recall(before *fleet) {
	if !f.mixed {
		return
	}
	before.answers.Range(func(key, value any) bool {
		to := value.(answer).to
		f.remember(key.(string), answer{to, f.judge(to)})
		return true
	})
}
