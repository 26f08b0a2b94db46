package cluster

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"outrigger.dev/outrigger/inject"
)

// requirement reads "key op value,value".
func requirement(text string) corev1.NodeSelectorRequirement {
	words := strings.Fields(text)
	r := corev1.NodeSelectorRequirement{Key: words[0], Operator: corev1.NodeSelectorOperator(words[1])}
	if len(words) > 2 {
		r.Values = strings.Split(words[2], ",")
	}
	return r
}

// requiring is a pod whose affinity requires one of the terms, each of requirements
// by semicolon; one that begins with "name" is about the field.
func requiring(terms ...string) *corev1.PodSpec {
	required := &corev1.NodeSelector{}
	for _, text := range terms {
		var term corev1.NodeSelectorTerm
		for part := range strings.SplitSeq(text, ";") {
			if field, ok := strings.CutPrefix(strings.TrimSpace(part), "name "); ok {
				term.MatchFields = append(term.MatchFields, requirement("metadata.name "+field))
			} else if strings.TrimSpace(part) != "" {
				term.MatchExpressions = append(term.MatchExpressions, requirement(part))
			}
		}
		required.NodeSelectorTerms = append(required.NodeSelectorTerms, term)
	}
	return &corev1.PodSpec{Affinity: &corev1.Affinity{
		NodeAffinity: &corev1.NodeAffinity{RequiredDuringSchedulingIgnoredDuringExecution: required},
	}}
}

func choosing(key, value string) *corev1.PodSpec {
	return &corev1.PodSpec{NodeSelector: map[string]string{key: value}}
}

func TestNativeGoesByWhereThePodMayLand(t *testing.T) {
	n := nodesOf(
		testNode("new-1", "v1.33.1", "pool=new zone=a cores=8"),
		testNode("new-2", "v1.34.0", "pool=new zone=b cores=16"),
		testNode("old-1", "v1.32.9", "pool=old zone=a cores=4"),
		testNode("old-2", "v1.31.0", "pool=old zone=b cores=4 disk=ssd"),
		testNode("odd", "devel", "pool=odd zone=c"),
	)
	yes := inject.Native{Supported: true, Why: "every node that the pod may land on is 1.33 or newer"}
	only := func(name string) inject.Native {
		return inject.Native{Supported: true, Why: fmt.Sprintf("node %q is 1.33 or newer", name)}
	}
	old := func(name, kubelet string) inject.Native {
		return inject.Native{Why: fmt.Sprintf("node %q runs kubelet %s, older than 1.33", name, kubelet)}
	}
	all := `node "odd" runs kubelet "devel", which is no version`
	none := inject.Native{Why: "no node fits the pod's nodeSelector and node affinity, so all count: " + all}
	long := strings.Repeat("n", 200)
	for name, c := range map[string]struct {
		spec *corev1.PodSpec
		want inject.Native
	}{
		"a pod that may land anywhere":   {&corev1.PodSpec{}, inject.Native{Why: all}},
		"one that only prefers nodes":    {&corev1.PodSpec{Affinity: &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{}}}, inject.Native{Why: all}},
		"nodeName of a new node":         {&corev1.PodSpec{NodeName: "new-1"}, only("new-1")},
		"nodeName of an old one":         {&corev1.PodSpec{NodeName: "old-1"}, old("old-1", "v1.32.9")},
		"nodeName goes before the rest":  {&corev1.PodSpec{NodeName: "new-1", NodeSelector: map[string]string{"pool": "old"}}, only("new-1")},
		"nodeName of an unknown one":     {&corev1.PodSpec{NodeName: "gone"}, inject.Native{Why: `node "gone" is not known, so all count: ` + all}},
		"nodeSelector of new nodes":      {choosing("pool", "new"), yes},
		"nodeSelector of old ones":       {choosing("pool", "old"), old("old-1", "v1.32.9")},
		"nodeSelector of both":           {choosing("zone", "a"), old("old-1", "v1.32.9")},
		"nodeSelector of a hostname":     {choosing("kubernetes.io/hostname", "host-new-2"), yes},
		"of an old hostname":             {choosing("kubernetes.io/hostname", "host-old-2"), old("old-2", "v1.31.0")},
		"nodeSelector that no node fits": {choosing("pool", "gone"), none},
		"nodeSelector that is no label":  {choosing("pool", "a b"), none},
		"all of a nodeSelector":          {&corev1.PodSpec{NodeSelector: map[string]string{"pool": "new", "zone": "a"}}, yes},
		"In":                             {requiring("pool In new,other"), yes},
		"NotIn":                          {requiring("pool NotIn old,odd"), yes},
		"NotIn is met without the label": {requiring("disk NotIn hdd"), inject.Native{Why: all}},
		"Exists":                         {requiring("disk Exists"), old("old-2", "v1.31.0")},
		"DoesNotExist":                   {requiring("cores DoesNotExist"), inject.Native{Why: all}},
		"Gt":                             {requiring("cores Gt 4"), yes},
		"Lt":                             {requiring("cores Lt 8"), old("old-1", "v1.32.9")},
		"all of a term":                  {requiring("cores Gt 2; pool In new"), yes},
		"any of the terms":               {requiring("pool In new", "disk Exists"), old("old-2", "v1.31.0")},
		"any of two new ones":            {requiring("zone In a; pool In new", "zone In b; pool In new"), yes},
		"a term without parts":           {requiring("", "pool In new"), yes},
		"only such a term":               {requiring(""), none},
		"an operator that is none":       {requiring("pool Like new"), none},
		"both selector and affinity": {
			func() *corev1.PodSpec {
				spec := requiring("cores Gt 2")
				spec.NodeSelector = map[string]string{"pool": "new"}
				return spec
			}(), yes,
		},
		"a DaemonSet's, on a new node":       {requiring("name In new-1"), only("new-1")},
		"a DaemonSet's, on an old one":       {requiring("cores Gt 2; name In old-1"), old("old-1", "v1.32.9")},
		"a DaemonSet's, on one not known":    {requiring("name In gone"), inject.Native{Why: `node "gone" is not known, so all count: ` + all}},
		"any of two names":                   {requiring("name In new-1", "name In new-2"), yes},
		"any node but those":                 {requiring("name NotIn odd; name NotIn old-1; name NotIn old-2"), yes},
		"a name that is longer than a label": {requiring("pool In new; name NotIn " + long), yes},
		"a field that is none": {
			&corev1.PodSpec{Affinity: &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{
				RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{
					{MatchFields: []corev1.NodeSelectorRequirement{requirement("spec.unschedulable In false")}},
				}},
			}}}, none,
		},
		"more than is looked at": {
			requiring("pool In " + strings.Repeat("x,", maxPlacement)),
			inject.Native{Why: "the pod's nodeSelector and node affinity are larger than 16 KiB, so all count: " + all},
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, time := range []string{"first", "second"} {
				if diff := cmp.Diff(c.want, n.Native(c.spec)); diff != "" {
					t.Errorf("asked for the %s time (-want +got):\n%s", time, diff)
				}
			}
		})
	}
}

// Whatever the nodes and the pods: a pod gets native sidecars if every node that
// admits it runs them, one by one, and there is one.
func TestClassesMakeNoDifference(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	pick := func(from ...string) string { return from[random.IntN(len(from))] }
	for range 300 {
		n := nodesOf()
		for i := range 2 + random.IntN(8) {
			n.set(readNode(testNode(fmt.Sprint("n", i), pick("v1.32.0", "v1.33.0", "v1.34.0"), pick("", "a=1", "a=2", "a=1 b=1", "b=1"))))
		}
		for range 20 {
			spec := requiring(
				pick("a In 1", "a NotIn 1", "b Exists", "b DoesNotExist", "a Gt 1", "kubernetes.io/hostname In host-n0,host-n1", "name NotIn n0"),
				pick("a In 2; b Exists", "a In 1; b Exists", "kubernetes.io/hostname NotIn host-n2; a Exists"),
			)
			if pick("y", "n") == "y" {
				spec.NodeSelector = map[string]string{pick("a", "b"): pick("1", "2")}
			}
			to := placementOf(spec)
			fit, able := 0, 0
			for name, each := range n.nodes {
				if to.admits(landing{name, each}) {
					fit++
					if each.class.against == "" {
						able++
					}
				}
			}
			want := fit > 0 && fit == able || n.fleet.Load().every.Supported
			if got := n.Native(spec); got.Supported != want {
				t.Fatalf("%d of %d nodes that fit run native sidecars: %+v for %v", able, fit, got, spec)
			}
		}
	}
}
