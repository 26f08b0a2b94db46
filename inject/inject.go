// Package inject decides whether a pod gets sidecars, and makes the JSON Patch
// that adds them.
//
// It is a pure function. A pod's bytes, facts about the request and an immutable
// snapshot of the configuration go in; a decision with its reason and trace,
// warnings and a patch come out. There is no I/O, no clock, no global and no
// goroutine in it, so that the webhook, the dry run, the command line and the
// analyzer can all call this one function and cannot differ.
//
// A pod goes through five steps: [Injector.Decide] says whether; the templates
// are rendered; [Merge] lays what they gave over the pod; finishing does what
// no template can (probes, metrics, the containers' order); [Patch] writes down
// the difference. All but the first work on the tree of the pod's JSON, never
// on the typed pod, so that a field which our k8s.io/api does not know stays
// where it was: the typed pod is for reading only.
//
// A pod that was injected before carries a record ([RecordAnnotation]). It is
// first taken back by the record and then injected like any other, so that what
// comes out is what a fresh injection gives, and a second call changes nothing.
package inject

import (
	"errors"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	kjson "sigs.k8s.io/json"
)

// Inject decides about a pod and makes the patch. An error is a fault of ours:
// neither the pod nor its author caused it. A pod that cannot be injected for a
// reason of its own gets a decision with the verdict Deny. It never panics.
func (in *Injector) Inject(req Request) (result Result, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			result, err = Result{}, &PanicError{Cause: cause, Stack: debug.Stack()}
		}
	}()
	if skipped, ok := in.Skip(req); ok {
		return skipped, nil
	}
	canonical := renamed(req.Pod)
	req.Pod = canonical.Pod()
	defer func() { result = canonical.restore(result) }()

	if l := lean(req.Pod); len(l.cut) > 0 {
		whole := req.Pod
		req.Pod, req.lean = l.text, l
		if result, err := in.injectText(req); err == nil && !l.shows(result.Patch) {
			result.raw = whole
			return result, nil
		}
		req.Pod, req.lean = whole, leanPod{}
	}
	return in.injectText(req)
}

// injectText reads the pod, and what an earlier injection has left in it.
func (in *Injector) injectText(req Request) (Result, error) {
	sent, err := decodeObject(req.Pod)
	if err != nil {
		return Result{}, fmt.Errorf("pod: %w", err)
	}
	previous, err := readRecord(sent)
	var warnings []string
	if err != nil {
		warnings = append(warnings, err.Error())
	}
	if previous == nil {
		previous = in.recordOfIstiod(sent)
	}
	result, err := in.inject(req, sent, previous)
	result.Warnings = append(warnings, result.Warnings...)
	return result, err
}

// round decides about base, which pod was read from, and, where it is to be
// injected, injects it. Where it is not, there is no rendering, and the result
// says why.
func (in *Injector) round(req Request, pod *corev1.Pod, base object) (*rendering, Result, error) {
	r := in.rendering(req, pod, base)
	r.passed(Decoded)
	r.readAnnotations()
	decision := in.Decide(pod, req.Namespace, r.owner)
	r.passed(Decided)
	var err error
	if decision.Verdict == Inject {
		err = r.inject(req, &decision)
	}
	var d *denial
	if errors.As(err, &d) {
		decision.Verdict, decision.Reason, decision.Sentence, decision.Templates = Deny, d.reason, d.sentence, nil
		decision.Trace = append(decision.Trace, Step{Rule: d.reason, Input: d.sentence, Outcome: Deny})
		err = nil
	}
	if err != nil {
		return nil, Result{}, err
	}
	result := Result{Decision: decision, Patch: []Operation{}, Warnings: r.warnings, raw: req.Pod}
	if decision.Verdict != Inject {
		return nil, result, nil
	}
	return r, result, nil
}

// rendering is where a pod's injection starts.
func (in *Injector) rendering(req Request, pod *corev1.Pod, base object) *rendering {
	r := &rendering{in: in, pod: pod, base: base, lean: req.lean, namespace: req.Namespace, owner: OwnerOf(pod), tell: req.Passed, trace: req.trace}
	if req.Owner != nil {
		r.owner = *req.Owner
	}
	return r
}

// inject makes r.merged of r.base.
func (r *rendering) inject(req Request, decision *Decision) error {
	if err := r.checkAnnotations(req.ProxyConfigs); err != nil {
		return err
	}
	names, listed := r.in.named(r.pod)
	r.trace.chose(names, listed)
	templates, err := r.in.choose(names)
	if err != nil {
		return err
	}
	decision.Templates = templates
	native, why := r.in.native(r.pod, r.owner, req.Native)
	r.native = native
	r.trace.isNative(native, why)
	decision.note("native sidecar: %t: %s", native, why)
	if len(r.proxyConfigFrom) > 0 {
		decision.note("proxy config: the mesh's, and over it %s", strings.Join(r.proxyConfigFrom, ", "))
	}
	if err := r.render(templates); err != nil {
		return err
	}
	if err := r.complete(req.Path); err != nil {
		return err
	}
	err = record{
		Revision:  r.in.revision,
		Config:    r.in.hash,
		Reason:    decision.Reason,
		Templates: templates,
		Native:    native,
	}.write(r.base, r.merged)
	r.trace.note(byRecord, r.merged)
	r.passed(Finished)
	return err
}

// complete does to the rendered pod what no template can, and refuses what cannot be.
func (r *rendering) complete(path Path) error {
	if err := r.reapply(); err != nil {
		return err
	}
	r.trace.note(byOverrides, r.merged)
	r.followUser()
	r.trace.note(byUser, r.merged)
	r.fitPodResources()
	r.trace.note(byPodResources, r.merged)
	if err := r.finish(path); err != nil {
		return err
	}
	return r.checkConflicts()
}

// typed is base as our types read it, with the namespace that it will be in.
func (in *Injector) typed(req Request, base object) (*corev1.Pod, error) {
	raw, err := encode(withoutManagedFields(base))
	if err != nil {
		return nil, err
	}
	return in.typedText(req, raw)
}

// typedText is typed for the text of a tree that is as it was sent.
func (in *Injector) typedText(req Request, raw []byte) (*corev1.Pod, error) {
	var pod corev1.Pod
	if err := decodeTyped(raw, &pod); err != nil {
		return nil, err
	}
	pod.ManagedFields = nil
	if pod.Namespace == "" {
		pod.Namespace = req.Namespace.Name
	}
	return &pod, nil
}

// withoutManagedFields is a pod without what only the API server reads and writes.
func withoutManagedFields(pod object) object {
	metadata := sub(pod, "metadata")
	if _, there := metadata["managedFields"]; !there {
		return pod
	}
	pod, metadata = maps.Clone(pod), maps.Clone(metadata)
	delete(metadata, "managedFields")
	pod["metadata"] = metadata
	return pod
}

// decodeTyped reads JSON as the API server does: field names by their case.
func decodeTyped(raw []byte, into any) error {
	return kjson.UnmarshalCaseSensitivePreserveInts(raw, into)
}

// choose returns the templates behind names: aliases resolved, one that is named
// twice laid once.
func (in *Injector) choose(names []string) ([]string, error) {
	var chosen []string
	for _, name := range in.config.expand(names) {
		if err, broken := in.quarantined[name]; broken {
			return nil, denied(TemplateBroken, "template %q does not render: %v", name, err)
		}
		if !slices.Contains(in.set.Names(), name) {
			return nil, denied(UnknownTemplate, "annotation %s: template %q is unknown, wanted one of %s",
				TemplatesAnnotation, name, strings.Join(in.known(), ", "))
		}
		if !slices.Contains(chosen, name) {
			chosen = append(chosen, name)
		}
	}
	return chosen, nil
}

// named are the templates and aliases that a pod lists, or else the configuration.
func (in *Injector) named(pod *corev1.Pod) (names []string, listed bool) {
	list, ok := pod.Annotations[TemplatesAnnotation]
	if !ok {
		return in.config.DefaultTemplates, false
	}
	for name := range strings.SplitSeq(list, ",") {
		names = append(names, strings.TrimSpace(name))
	}
	return names, true
}

// known are the templates and aliases that a pod may name.
func (in *Injector) known() []string {
	out := slices.Collect(maps.Keys(in.config.Aliases))
	for _, name := range in.set.Names() {
		if _, broken := in.quarantined[name]; !broken {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// emitted are the places that this injection writes to.
func (r *rendering) emitted() map[string]bool {
	places := map[string]bool{}
	emitted(places, undoOf(object{}, r.overlaid), "")
	emitted(places, undoOf(r.base, r.merged), "")
	return places
}

// movers are the containers whose places are the injection's business, so that
// nobody else's is taken out and put in where the two change places.
func (r *rendering) movers() []string {
	out := slices.Clone(movers)
	for _, list := range containerLists {
		out = append(out, names(items(sub(r.overlaid, "spec"), list))...)
	}
	return out
}

// answer writes down what changed, and proves it on the bytes that were sent.
func (r *rendering) answer(raw []byte, sent object, decision Decision) (Result, error) {
	result := Result{Decision: decision, Patch: Patch(sent, r.merged, r.movers()...), Warnings: r.warnings, raw: raw}
	r.trace.finish(sent, r.merged)
	var err error
	if len(result.Patch) > 0 {
		err = prove(sent, result.Patch, r.merged)
	}
	r.passed(Patched)
	return result, err
}

// warn adds a sentence for the person who created the pod. The API server cuts
// what is longer than 120 characters in an unkind place.
func (r *rendering) warn(format string, args ...any) {
	const most = 119
	sentence := []rune(fmt.Sprintf(format, args...))
	if len(sentence) > most {
		sentence = append(sentence[:most-1], '…')
	}
	r.warnings = append(r.warnings, string(sentence))
}
