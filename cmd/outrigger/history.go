package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

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

// asked is what is asked about in a cluster: an object, or those of a kind where it has
// no name.
type asked struct {
	kind     workloadKind
	name     string
	all      bool
	selector string
}

// askedOf reads KIND NAME, KIND/NAME or KIND.
func askedOf(args []string) (asked, error) {
	given, name, _ := strings.Cut(strings.Join(args, "/"), "/")
	if strings.Contains(name, "/") || strings.HasSuffix(strings.Join(args, "/"), "/") {
		return asked{}, fmt.Errorf("%q: want KIND NAME, KIND/NAME or KIND", strings.Join(args, " "))
	}
	kind := slices.IndexFunc(workloadKinds, func(k workloadKind) bool { return slices.Contains(k.names, strings.ToLower(given)) })
	if kind < 0 {
		return asked{}, fmt.Errorf("%q: has no pods, want pod, deploy, sts, ds, rs, job or cronjob", given)
	}
	return asked{kind: workloadKinds[kind], name: name}, nil
}

// A history is what happened to a pod that there is.
type history struct {
	// Injected says whether it has a sidecar, and By by which revision, configuration
	// and reason, where its record says.
	Injected bool   `json:"injected"`
	By       string `json:"by,omitempty"`
	// Differs says whether a new pod would be another one; Operations is by how many,
	// where both have a sidecar or the new one has, and Refused that there would be none.
	Differs    bool `json:"differs"`
	Operations int  `json:"operations,omitempty"`
	Refused    bool `json:"refused,omitempty"`
	// Events are Outrigger's on the pod's controller.
	Events []string `json:"events,omitempty"`
}

// find reads what is asked about as a manifest, and where that is one pod what happened
// to it. A manifest is as its author wrote it, as far as that is known: a pod is without
// what an injection added, and without its status.
func (b *basis) find(ctx context.Context, of asked) (string, *history, error) {
	if b.client == nil {
		return "", nil, hinted{errNoCluster, "outrigger explain -f FILE"}
	}
	get := b.client.CoreV1().RESTClient().Get().AbsPath(of.kind.path).Resource(of.kind.resource).SetHeader("Accept", "application/json")
	in := b.namespace
	if of.all {
		in = metav1.NamespaceAll
	}
	get = get.Namespace(in)
	if of.name == "" {
		raw, err := get.Param("labelSelector", of.selector).Do(ctx).Raw()
		if err != nil {
			return "", nil, err
		}
		manifest, err := b.manifests(of.kind, raw)
		if err == nil && manifest == "" {
			err = fmt.Errorf("there are no such %s in %s", of.kind.resource, whichNamespace(in))
		}
		return manifest, nil, err
	}
	raw, err := get.Name(of.name).Do(ctx).Raw()
	if err != nil || of.kind.resource != "pods" {
		return string(raw), nil, err
	}
	return b.foundPod(ctx, raw)
}

// manifests are the objects of a list, one document each.
func (b *basis) manifests(kind workloadKind, raw []byte) (string, error) {
	var list unstructured.UnstructuredList
	if err := list.UnmarshalJSON(raw); err != nil {
		return "", err
	}
	var all []string
	for _, item := range list.Items {
		text, err := item.MarshalJSON()
		if err == nil && kind.resource == "pods" {
			text, err = b.asWritten(text)
		}
		if err != nil {
			return "", fmt.Errorf("%s %q: %w", item.GetKind(), item.GetName(), err)
		}
		all = append(all, strings.TrimSpace(string(text))+"\n")
	}
	return strings.Join(all, "---\n"), nil
}

// asWritten is a pod without what an injection added.
func (b *basis) asWritten(raw []byte) ([]byte, error) {
	taken, err := b.injector.Uninject(raw)
	if err != nil {
		return nil, err
	}
	return inject.Apply(raw, taken)
}

func (b *basis) foundPod(ctx context.Context, raw []byte) (string, *history, error) {
	var pod corev1.Pod
	if err := json.Unmarshal(raw, &pod); err != nil {
		return "", nil, err
	}
	h := &history{}
	h.read(&pod)
	again, err := b.injector.Inject(inject.Request{
		Pod: raw, Namespace: inject.Namespace{Name: b.namespace, Unknown: true},
		Native: b.runner.Cluster.Native, ProxyConfigs: b.runner.Cluster.ProxyConfigs,
	})
	if err == nil {
		h.Operations = len(again.Patch)
	}
	before, err := b.asWritten(raw)
	if err != nil {
		return "", nil, fmt.Errorf("pod %q: %w", pod.Name, err)
	}
	h.Events, err = b.events(ctx, &pod)
	return string(before), h, err
}

// compare says whether a new pod, about which the verdict is this, would be another one.
func (h *history) compare(verdict string) {
	switch verdict {
	case "inject":
		h.Differs = !h.Injected || h.Operations > 0
	case "deny":
		h.Differs, h.Refused, h.Operations = true, true, 0
	default:
		h.Differs, h.Operations = h.Injected, 0
	}
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
		fmt.Fprintf(&b, "  the pod has a sidecar%s\n", prefixed(": ", printable(h.By)))
	default:
		b.WriteString("  the pod has no sidecar\n")
	}
	switch {
	case h.Refused:
		b.WriteString("  a new pod would be refused\n")
	case h.Differs && h.Operations == 0:
		b.WriteString("  a new pod would have none: restart its workload to have it so\n")
	case h.Differs:
		fmt.Fprintf(&b, "  a new pod would differ, by %d operations: restart its workload to have it so\n", h.Operations)
	case h.Injected:
		b.WriteString("  a new pod would be the same\n")
	default:
		b.WriteString("  a new pod would have none either\n")
	}
	for _, event := range h.Events {
		fmt.Fprintf(&b, "  event: %s\n", printable(event))
	}
	return b.String()
}

// prefixed is a text with what comes before it, nothing where it is empty.
func prefixed(prefix, text string) string {
	if text == "" {
		return ""
	}
	return prefix + text
}
