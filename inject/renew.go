package inject

import (
	"fmt"
	"maps"
	"runtime/debug"
	"strings"
)

// A Renewal is what would become of a pod that is there if it were created now.
type Renewal struct {
	Decision Decision
	Warnings []string
	// Differences are the places in which the pod that is there is another one, in
	// the order of their paths. There are none unless the verdict is Inject.
	Differences []Difference
}

// Renew says what would become of a pod that is there if it were created now, and in
// what it differs from that. Like [Injector.Uninject] it is for the pod's owner: it
// takes the whole injection back that the pod's record speaks of, so that what an older
// template put in and none puts in any more is a difference, too.
//
// The pod that the injection is taken back to is the one that the webhook was asked
// about, with all that admission had done to it before; a workload's template has none
// of that. What the API server, the kubelet and other webhooks have put into the pod
// since, into things of ours as well, is no difference, and what injection writes down
// about itself is none.
//
// An error is a record that cannot be read, or a fault of ours. It never panics.
func (in *Injector) Renew(req Request) (renewal Renewal, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			renewal, err = Renewal{}, &PanicError{Cause: cause, Stack: debug.Stack()}
		}
	}()
	live, err := decodeObject(req.Pod)
	if err != nil {
		return Renewal{}, fmt.Errorf("pod: %w", err)
	}
	live = asCreated(live)
	previous, err := readRecord(live)
	if err != nil {
		return Renewal{}, err
	}
	if previous == nil {
		previous = in.recordOfIstiod(live)
	}
	base := live
	if previous != nil {
		base, _ = previous.before(live, nil)
	}
	pod, err := in.typed(req, base)
	if err != nil {
		return Renewal{}, fmt.Errorf("annotation %s: what it takes back leaves no pod: %w", RecordAnnotation, err)
	}
	r, result, err := in.round(req, pod, base)
	if err != nil {
		return Renewal{}, err
	}
	renewal = Renewal{Decision: result.Decision, Warnings: result.Warnings}
	if r == nil {
		return renewal, nil
	}
	if previous != nil {
		settle(r.merged, live, previous.Undo)
	}
	renewal.Differences = differences(live, r.merged)
	return renewal, nil
}

// afterwards are the fields of a pod that it did not have when its webhooks were asked,
// by where they are.
var afterwards = map[string][]string{
	"":         {"status"},
	"metadata": {"uid", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "managedFields"},
	"spec":     {"nodeName", "ephemeralContainers"},
}

// asCreated is a pod as it was when it was created, as far as that can be told: without
// what came afterwards, a name that the API server made up included.
func asCreated(pod object) object {
	pod = maps.Clone(pod)
	for field, gone := range afterwards {
		part := pod
		if field != "" {
			if sub(pod, field) == nil {
				continue
			}
			part = maps.Clone(sub(pod, field))
			pod[field] = part
		}
		for _, name := range gone {
			delete(part, name)
		}
	}
	if metadata := sub(pod, "metadata"); namedAfter(text(metadata, "name"), text(metadata, "generateName")) {
		delete(metadata, "name")
	}
	return pod
}

// maxGeneratedBase is how much of generateName is in a name that is made of it
// (maxGeneratedNameLength in the API server's pkg/storage/names).
const maxGeneratedBase = 58

// namedAfter says whether the API server made a name of a generateName. A StatefulSet's pods
// have both, and a name of the controller's.
func namedAfter(name, generateName string) bool {
	at := len(name) - generatedLength
	if at < 0 || generateName == "" || strings.Trim(name[at:], generatedAlphabet) != "" {
		return false
	}
	return name[:at] == generateName || at == maxGeneratedBase && strings.HasPrefix(generateName, name[:at])
}
