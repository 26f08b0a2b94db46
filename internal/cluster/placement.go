package cluster

import (
	"encoding/json"
	"errors"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
)

// maxPlacement is how much a pod may say about nodes, in bytes of JSON, for us to
// look at it. It bounds the time and memory that a pod's author can have us spend.
const maxPlacement = 16 << 10

var errPlacementTooLarge = errors.New("the pod's nodeSelector and node affinity are larger than 16 KiB")

// A placement says which nodes a pod may land on, as far as its author chose: by
// nodeSelector and required node affinity. Taints are not looked at, as they come
// and go.
type placement struct {
	selector []labels.Requirement
	// terms are those of the affinity, any of which suffices; nil where there is
	// no affinity.
	terms []placementTerm
	// byName says whether nodes of one class may be told apart.
	byName bool
}

// A placementTerm is met by nodes that meet all its parts; one without parts, or
// with one that means nothing, by none.
type placementTerm struct {
	labels []labels.Requirement
	names  []nameRequirement
}

// A nameRequirement asks for a node's name, or for any other.
type nameRequirement struct {
	name string
	not  bool
}

// affinityTerms are those of the required node affinity.
func affinityTerms(spec *corev1.PodSpec) []corev1.NodeSelectorTerm {
	if spec.Affinity == nil || spec.Affinity.NodeAffinity == nil {
		return nil
	}
	required := spec.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution
	if required == nil {
		return nil
	}
	return required.NodeSelectorTerms
}

// nodeName is the one field of a node that affinity can ask for.
const nodeName = "metadata.name"

// boundTo is the one node that a pod can only be on: by nodeName, or as the
// DaemonSet controller binds its pods, by a field in every term. "" is none.
func boundTo(spec *corev1.PodSpec) string {
	if spec.NodeName != "" {
		return spec.NodeName
	}
	name := ""
	for _, term := range affinityTerms(spec) {
		at := slices.IndexFunc(term.MatchFields, func(r corev1.NodeSelectorRequirement) bool {
			return r.Key == nodeName && r.Operator == corev1.NodeSelectorOpIn && len(r.Values) == 1
		})
		if at < 0 || name != "" && name != term.MatchFields[at].Values[0] {
			return ""
		}
		name = term.MatchFields[at].Values[0]
	}
	return name
}

// placementKey is the same for pods that may land on the same nodes because they
// say so in the same words; "" for one that says nothing.
func placementKey(spec *corev1.PodSpec) (string, error) {
	terms := affinityTerms(spec)
	if len(spec.NodeSelector) == 0 && len(terms) == 0 {
		return "", nil
	}
	key, err := json.Marshal([]any{spec.NodeSelector, terms})
	if err == nil && len(key) > maxPlacement {
		err = errPlacementTooLarge
	}
	return string(key), err
}

// placementOf reads a pod's.
func placementOf(spec *corev1.PodSpec) *placement {
	p := &placement{}
	for key, value := range spec.NodeSelector {
		// Whatever the value is, it is compared; the API server judges it later.
		p.selector = append(p.selector, requirements(&p.byName, corev1.NodeSelectorRequirement{
			Key: key, Operator: corev1.NodeSelectorOpIn, Values: []string{value},
		})...)
	}
	if len(p.selector) < len(spec.NodeSelector) {
		return &placement{terms: []placementTerm{{}}} // no node has such a label
	}
	for _, term := range affinityTerms(spec) {
		read := placementTerm{
			labels: requirements(&p.byName, term.MatchExpressions...),
			names:  nameRequirements(term.MatchFields),
		}
		if len(read.labels) < len(term.MatchExpressions) || len(read.names) < len(term.MatchFields) {
			read = placementTerm{}
		}
		p.byName = p.byName || len(read.names) > 0
		p.terms = append(p.terms, read)
	}
	return p
}

// operators are those of the affinity as labels know them.
var operators = map[corev1.NodeSelectorOperator]selection.Operator{
	corev1.NodeSelectorOpIn:           selection.In,
	corev1.NodeSelectorOpNotIn:        selection.NotIn,
	corev1.NodeSelectorOpExists:       selection.Exists,
	corev1.NodeSelectorOpDoesNotExist: selection.DoesNotExist,
	corev1.NodeSelectorOpGt:           selection.GreaterThan,
	corev1.NodeSelectorOpLt:           selection.LessThan,
}

// requirements are those of a term, without those that the API server will refuse.
// It sets byName where one tells nodes of a class apart.
func requirements(byName *bool, from ...corev1.NodeSelectorRequirement) []labels.Requirement {
	var all []labels.Requirement
	for _, r := range from {
		read, err := labels.NewRequirement(r.Key, operators[r.Operator], r.Values)
		if err != nil {
			continue
		}
		*byName = *byName || r.Key == corev1.LabelHostname
		all = append(all, *read)
	}
	return all
}

// nameRequirements are those about fields. A name is longer than a label may be.
func nameRequirements(from []corev1.NodeSelectorRequirement) []nameRequirement {
	var all []nameRequirement
	for _, r := range from {
		in := r.Operator == corev1.NodeSelectorOpIn
		if r.Key != nodeName || len(r.Values) != 1 || !in && r.Operator != corev1.NodeSelectorOpNotIn {
			continue
		}
		all = append(all, nameRequirement{name: r.Values[0], not: !in})
	}
	return all
}

// admits says whether a pod may land on a node.
func (p *placement) admits(on landing) bool {
	if !meets(on, p.selector) {
		return false
	}
	return p.terms == nil || slices.ContainsFunc(p.terms, func(t placementTerm) bool {
		if len(t.labels)+len(t.names) == 0 || !meets(on, t.labels) {
			return false
		}
		return !slices.ContainsFunc(t.names, func(r nameRequirement) bool { return (r.name == on.name) == r.not })
	})
}

func meets(on landing, all []labels.Requirement) bool {
	return !slices.ContainsFunc(all, func(r labels.Requirement) bool { return !r.Matches(on) })
}

// A landing is a node that a pod asks for. It is its [labels.Labels].
type landing struct {
	name string
	node
}

// Lookup finds a label.
func (l landing) Lookup(key string) (string, bool) {
	if key == corev1.LabelHostname {
		return l.hostname, l.hostname != ""
	}
	return l.class.labels.lookup(key)
}

// Has says whether there is a label.
func (l landing) Has(key string) bool {
	_, ok := l.Lookup(key)
	return ok
}

// Get is a label's value, "" where there is none.
func (l landing) Get(key string) string {
	value, _ := l.Lookup(key)
	return value
}
