package inject

import (
	"fmt"
	"strings"
)

// A Condition is one row of the table at [Injector.Decide] in CEL, the language in
// which the API server itself evaluates rules. Skip and Inject hold where the rule
// decides so; one that never does is "".
//
// They read the pod from object, its namespace's name from request.namespace, and
// variables:
//
//	labels, annotations          maps: the pod's
//	namespaceLabels              a map: the namespace's
//	checkNamespace               bool: checkNamespace of the configuration
//	enableNamespacesByDefault    bool: the value of that name
//	never, always                bool: whether a selector of the configuration matches
//	policy                       string: policy of the configuration
//
// Kubernetes 1.30 and newer understand them.
type Condition struct {
	Reason       Reason
	Skip, Inject string
}

// Conditions are the rules of [Injector.Decide], in its order. A rule about ownerKinds
// is not among them: the chart has no value for those.
func Conditions() []Condition {
	var all []Condition
	for _, r := range rules {
		if c, ok := conditions[r.reason]; ok {
			c.Reason = r.reason
			all = append(all, c)
		}
	}
	return all
}

// conditions say of each rule what its function does. A test on a real API server
// holds the two against each other.
var conditions = map[Reason]Condition{
	HostNetwork:     {Skip: `object.spec.?hostNetwork.orValue(false)`},
	SystemNamespace: {Skip: `request.namespace in ` + celList(systemNamespaces)},
	MirrorPod:       {Skip: `"kubernetes.io/config.mirror" in variables.annotations`},
	Windows:         {Skip: `object.spec.?os.?name.orValue("") == "windows"`},
	PodLabel:        {Skip: celSays("labels", InjectKey, "false"), Inject: celSays("labels", InjectKey, "true")},
	PodAnnotation:   {Skip: unlabelled + celSays("annotations", InjectKey, "false"), Inject: unlabelled + celSays("annotations", InjectKey, "true")},
	NamespaceNotEnabled: {Skip: `variables.checkNamespace && !(` + strings.Join([]string{
		celSays("namespaceLabels", NamespaceLabel, "enabled"),
		celHas("namespaceLabels", RevisionLabel),
		celHas("labels", RevisionLabel),
		`variables.enableNamespacesByDefault && !(` + celHas("namespaceLabels", NamespaceLabel) + `)`,
	}, " || ") + `)`},
	NeverSelector:  {Skip: `variables.never`},
	AlwaysSelector: {Inject: `variables.always`},
	Policy:         {Skip: `variables.policy != "enabled"`, Inject: `variables.policy == "enabled"`},
}

var unlabelled = "!(" + celHas("labels", InjectKey) + ") && "

// celHas is true of a map with the key.
func celHas(of, key string) string { return fmt.Sprintf("%q in variables.%s", key, of) }

// celSays is true of a map that has this value under the key.
func celSays(of, key, value string) string {
	return fmt.Sprintf("variables.%s[?%q].orValue(\"\") == %q", of, key, value)
}

// celList is a list of texts that need no escapes.
func celList(texts []string) string { return `["` + strings.Join(texts, `", "`) + `"]` }

// Due is CEL for why a pod should have a sidecar: the reason of the first rule that
// says so, or "" for a pod that should not. It is a line for each condition, and reads
// what [Condition] lists.
func Due() string {
	var lines []string
	add := func(condition, due string) {
		if condition != "" {
			lines = append(lines, fmt.Sprintf("%s ? %q :", condition, due))
		}
	}
	for _, c := range Conditions() {
		add(c.Skip, "")
		add(c.Inject, string(c.Reason))
	}
	return strings.Join(append(lines, `""`), "\n")
}
