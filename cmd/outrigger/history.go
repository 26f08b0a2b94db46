package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"outrigger.dev/outrigger/inject"
)

// podSpec is for functions that are asked about one.
type podSpec = *corev1.PodSpec

// A workloadKind is a kind that has pods, and where the API server has it.
type workloadKind struct {
	names          []string
	path, resource string
}

// workloadKinds are the kinds that can be named, by their short names too.
var workloadKinds = []workloadKind{
	{[]string{"pod", "pods", "po"}, "/api/v1", "pods"},
	{[]string{"deployment", "deployments", "deploy"}, "/apis/apps/v1", "deployments"},
	{[]string{"statefulset", "statefulsets", "sts"}, "/apis/apps/v1", "statefulsets"},
	{[]string{"daemonset", "daemonsets", "ds"}, "/apis/apps/v1", "daemonsets"},
	{[]string{"replicaset", "replicasets", "rs"}, "/apis/apps/v1", "replicasets"},
	{[]string{"job", "jobs"}, "/apis/batch/v1", "jobs"},
	{[]string{"cronjob", "cronjobs", "cj"}, "/apis/batch/v1", "cronjobs"},
}

// objectOf reads KIND NAME or KIND/NAME; kind is the index in workloadKinds.
func objectOf(args []string) (kind int, name string, err error) {
	text := strings.Join(args, "/")
	given, name, ok := strings.Cut(text, "/")
	if !ok || name == "" || strings.Contains(name, "/") {
		return 0, "", fmt.Errorf("%q: want KIND NAME or KIND/NAME", strings.Join(args, " "))
	}
	kind = slices.IndexFunc(workloadKinds, func(k workloadKind) bool { return slices.Contains(k.names, strings.ToLower(given)) })
	if kind < 0 {
		return 0, "", fmt.Errorf("%q: has no pods, want pod, deploy, sts, ds, rs, job or cronjob", given)
	}
	return kind, name, nil
}

// found is an object of a cluster.
type found struct {
	manifest string
	// history is nil for all but a pod.
	history *history
}

// A history is what happened to a pod that there is.
type history struct {
	// Injected says whether it has a sidecar, and By by which revision, configuration
	// and reason, where its record says.
	Injected bool   `json:"injected"`
	By       string `json:"by,omitempty"`
	// Differs says whether a new pod would be another one; Operations is by how many.
	Differs    bool `json:"differs"`
	Operations int  `json:"operations,omitempty"`
	// Events are Outrigger's on the pod's controller.
	Events []string `json:"events,omitempty"`
}

// find reads an object. Its manifest is as its author wrote it, as far as that is
// known: a pod is without what an injection added, and without its status.
func (b *basis) find(ctx context.Context, kind int, name string) (*found, error) {
	if b.client == nil {
		return nil, hinted{fmt.Errorf("%q: %w", name, errNoCluster), "outrigger explain -f FILE"}
	}
	of := workloadKinds[kind]
	raw, err := b.client.CoreV1().RESTClient().Get().AbsPath(of.path, "namespaces", b.namespace, of.resource, name).
		SetHeader("Accept", "application/json").Do(ctx).Raw()
	if err != nil {
		return nil, err
	}
	if of.resource != "pods" {
		return &found{manifest: string(raw)}, nil
	}
	return b.foundPod(ctx, raw)
}

func (b *basis) foundPod(ctx context.Context, raw []byte) (*found, error) {
	var pod corev1.Pod
	if err := json.Unmarshal(raw, &pod); err != nil {
		return nil, err
	}
	f := &found{history: &history{}}
	f.history.read(&pod)
	again, err := b.injector.Inject(inject.Request{
		Pod: raw, Namespace: inject.Namespace{Name: b.namespace, Unknown: true}, Native: b.runner.Cluster.Native,
	})
	if err == nil && (again.Decision.Verdict == inject.Inject || f.history.Injected) {
		f.history.Operations = len(again.Patch)
		f.history.Differs = len(again.Patch) > 0 || again.Decision.Verdict != inject.Inject
	}
	taken, err := b.injector.Uninject(raw)
	if err != nil {
		return nil, fmt.Errorf("pod %q: %w", pod.Name, err)
	}
	before, err := inject.Apply(raw, taken)
	if err != nil {
		return nil, fmt.Errorf("pod %q: %w", pod.Name, err)
	}
	f.manifest = string(before)
	f.history.Events, err = b.events(ctx, &pod)
	return f, err
}

// read reads what a pod carries of its injection.
func (h *history) read(pod *corev1.Pod) {
	_, h.Injected = pod.Annotations[inject.StatusAnnotation]
	var record struct{ Revision, Config, Reason string }
	if json.Unmarshal([]byte(pod.Annotations[inject.RecordAnnotation]), &record) == nil && record.Revision != "" {
		h.By = fmt.Sprintf("revision %s, configuration %s, because of %s", record.Revision, record.Config, record.Reason)
	}
}

// events are Outrigger's about a pod's controller.
func (b *basis) events(ctx context.Context, pod *corev1.Pod) ([]string, error) {
	controller := metav1.GetControllerOf(pod)
	if controller == nil {
		return nil, nil
	}
	list, err := b.client.CoreV1().Events(pod.Namespace).List(ctx, metav1.ListOptions{FieldSelector: "involvedObject.uid=" + string(controller.UID)})
	if err != nil {
		return nil, nil // who may not read events gets the rest
	}
	var out []string
	for _, event := range list.Items {
		if event.Source.Component == "outrigger-injector" || strings.HasPrefix(event.Source.Component, "outrigger") {
			out = append(out, event.Reason+": "+event.Message)
		}
	}
	return out, nil
}

// text is a history for a terminal; nothing where there is none.
func (h *history) text() string {
	if h == nil {
		return ""
	}
	var b strings.Builder
	b.WriteString("\nwhat happened\n")
	switch {
	case h.Injected:
		fmt.Fprintf(&b, "  the pod has a sidecar%s\n", prefixed(": ", h.By))
	default:
		b.WriteString("  the pod has no sidecar\n")
	}
	switch {
	case h.Injected && !h.Differs:
		b.WriteString("  a new pod would be the same\n")
	case h.Differs:
		fmt.Fprintf(&b, "  a new pod would differ, by %d operations: restart its workload to have it so\n", h.Operations)
	}
	for _, event := range h.Events {
		fmt.Fprintf(&b, "  event: %s\n", event)
	}
	return printable(b.String())
}

// prefixed is a text with what comes before it, nothing where it is empty.
func prefixed(prefix, text string) string {
	if text == "" {
		return ""
	}
	return prefix + text
}
