// Package status says of each workload what has become of injection in its pods.
//
// It decides nothing: what would become of a pod that were created now, and in what one
// that is there differs from that, is found by internal/analyze, once for both.
package status

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"outrigger.dev/outrigger/inject"
	"outrigger.dev/outrigger/internal/analyze"
)

// A State is what has become of injection in a pod.
//
//	the pod has a sidecar   a new pod           state
//	yes                     has the same        injected
//	yes                     has another one     outdated
//	yes                     has none            leftover
//	no                      has one             missed
//	no                      has none            skipped
//	either                  would be refused    refused
type State string

// States.
const (
	Injected State = "injected"
	Skipped  State = "skipped"
	Leftover State = "leftover"
	Refused  State = "refused"
	Outdated State = "outdated"
	Missed   State = "missed"
)

// urgency is in which order states count where the pods of a workload have several: a
// workload is in the last one that any of its pods is in.
var urgency = []State{Skipped, Injected, Leftover, Refused, Outdated, Missed}

// A Workload is what has become of injection in the pods of one.
type Workload struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Namespace  string `json:"namespace"`
	Name       string `json:"name"`
	// State is that of its pods, and of its next one where there are none.
	State State `json:"state"`
	// Reason is why its next pod gets a sidecar or none, Sentence the same for people.
	Reason   inject.Reason `json:"reason"`
	Sentence string        `json:"sentence"`
	// Pods are those that run, or are about to.
	Pods int `json:"pods"`
	// In are they by their states.
	In map[State]int `json:"in"`
	// Injections are what the pods with a sidecar say about it, those of most pods
	// first; more than one where they were injected by different configurations.
	Injections []Injection `json:"injections"`
	// Differences are the places in which pods with a sidecar are not as they would be
	// if they were created now, in the order of their paths.
	Differences []Difference `json:"differences"`
	// Faults are why pods could not be compared with new ones: their records cannot be
	// read. They count as outdated.
	Faults []string `json:"faults,omitempty"`
}

// An Injection is what pods say about theirs.
type Injection struct {
	Revision string `json:"revision"`
	// Configuration is the hash of the one by which they were injected; "" for pods of an
	// istiod's.
	Configuration string   `json:"configuration,omitempty"`
	Templates     []string `json:"templates,omitempty"`
	// Native says that the sidecar is a native one.
	Native bool `json:"native"`
	Pods   int  `json:"pods"`
}

// A Difference is one place in which so many pods differ.
type Difference struct {
	inject.Difference
	Pods int `json:"pods"`
}

// String is "Kind namespace/name".
func (w Workload) String() string { return w.Kind + " " + w.Namespace + "/" + w.Name }

// Of says it of all workloads of a scene's namespaces, by namespace, kind and name. A Job
// without a pod that runs is none: it has no next pod. The error is about objects that
// cannot be read; there is all about the others.
func Of(ctx context.Context, scene *analyze.Scene) ([]Workload, error) {
	pods, err := scene.Pods(ctx)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	t := tally{compares: scene.Compares(), of: map[analyze.Subject]*counted{}}
	for _, p := range pods {
		t.add(p)
	}
	var all []Workload
	for _, c := range t.of {
		if w := c.workload(); w.Kind != "Job" || w.Pods > 0 {
			all = append(all, w)
		}
	}
	slices.SortFunc(all, func(a, b Workload) int {
		return cmp.Or(strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Kind, b.Kind), strings.Compare(a.Name, b.Name))
	})
	return all, err
}

// A tally counts the pods of workloads.
type tally struct {
	compares bool
	of       map[analyze.Subject]*counted
}

// counted are a workload's pods: those that a webhook cannot tell apart together.
type counted struct {
	subject analyze.Subject
	// next is what becomes of a pod that the workload makes; nil where the workload
	// itself is not known, as one of a kind of others.
	next  *analyze.Verdict
	kinds []*analyze.Verdict
	pods  map[*analyze.Verdict]int
}

func (t tally) add(p analyze.Pod) {
	if p.Running && !p.Runs() {
		return
	}
	if !t.compares && len(p.Differences) > 0 {
		unknown := *p.Verdict
		unknown.Differences = nil
		p.Verdict = &unknown
	}
	owner := p.Owner()
	c := t.of[owner]
	if c == nil {
		c = &counted{subject: owner, pods: map[*analyze.Verdict]int{}}
		t.of[owner] = c
	}
	if !p.Running {
		c.next = p.Verdict
		return
	}
	if c.pods[p.Verdict] == 0 {
		c.kinds = append(c.kinds, p.Verdict)
	}
	c.pods[p.Verdict]++
}

// OfPod is the state of a pod that there is, whatever becomes of its workload's next one.
func OfPod(pod *analyze.Verdict) State { return stateOf(pod, pod) }

// stateOf is the state of pods of a workload whose next pod is next.
func stateOf(live, next *analyze.Verdict) State {
	has := inject.Injected(live.Before)
	switch {
	case next.Outcome.Verdict == string(inject.Deny), next.Fault != nil && !(has && next == live):
		return Refused
	case !has && next.Injected():
		return Missed
	case !has:
		return Skipped
	case live.Fault != nil, next.Injected() && len(live.Differences) > 0:
		return Outdated
	case next.Injected():
		return Injected
	default:
		return Leftover
	}
}

// stateOfNone is the state of a workload without pods.
func stateOfNone(next *analyze.Verdict) State {
	switch {
	case next.Injected():
		return Injected
	case next.Outcome.Verdict == string(inject.Skip):
		return Skipped
	default:
		return Refused
	}
}

// workload sums up.
func (c *counted) workload() Workload {
	w := Workload{
		APIVersion: c.subject.APIVersion, Kind: c.subject.Kind, Namespace: c.subject.Namespace, Name: c.subject.Name,
		In: map[State]int{}, Injections: []Injection{}, Differences: []Difference{},
	}
	next := c.next
	if next == nil {
		next = c.kinds[0]
	}
	w.Reason, w.Sentence = next.Outcome.Reason, next.Outcome.Sentence
	w.State = stateOfNone(next)
	for i, live := range c.kinds {
		by := next
		if c.next == nil {
			by = live
		}
		state, pods := stateOf(live, by), c.pods[live]
		if i == 0 || slices.Index(urgency, state) > slices.Index(urgency, w.State) {
			w.State = state
		}
		w.Pods += pods
		w.In[state] += pods
		w.add(live, state, pods)
	}
	w.sort()
	return w
}

// add takes in what is to be said of some pods with a sidecar.
func (w *Workload) add(live *analyze.Verdict, state State, pods int) {
	if of, ok := inject.InjectionOf(live.Before); ok {
		w.addInjection(Injection{Revision: of.Revision, Configuration: of.Config, Templates: of.Templates, Native: of.Native, Pods: pods})
	}
	if state != Outdated {
		return
	}
	if live.Fault != nil && !slices.Contains(w.Faults, live.Fault.Error()) {
		w.Faults = append(w.Faults, live.Fault.Error())
	}
	for _, d := range live.Differences {
		at := slices.IndexFunc(w.Differences, func(known Difference) bool { return known.String() == d.String() })
		if at < 0 {
			at = len(w.Differences)
			w.Differences = append(w.Differences, Difference{Difference: d})
		}
		w.Differences[at].Pods += pods
	}
}

func (w *Workload) addInjection(of Injection) {
	at := slices.IndexFunc(w.Injections, func(known Injection) bool {
		return known.Revision == of.Revision && known.Configuration == of.Configuration && known.Native == of.Native && slices.Equal(known.Templates, of.Templates)
	})
	if at < 0 {
		w.Injections = append(w.Injections, of)
		return
	}
	w.Injections[at].Pods += of.Pods
}

func (w *Workload) sort() {
	slices.SortFunc(w.Injections, func(a, b Injection) int {
		return cmp.Or(b.Pods-a.Pods, strings.Compare(a.Revision, b.Revision), strings.Compare(a.Configuration, b.Configuration))
	})
	slices.SortStableFunc(w.Differences, func(a, b Difference) int { return strings.Compare(a.Path, b.Path) })
	slices.Sort(w.Faults)
}
