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

// foundPod is a pod without what an injection added, and what happened to it.
func (b *basis) foundPod(ctx context.Context, raw []byte) (string, *history, error) {
	var pod corev1.Pod
	if err := json.Unmarshal(raw, &pod); err != nil {
		return "", nil, err
	}
	h, err := b.history(ctx, &pod)
	if err != nil {
		return "", nil, fmt.Errorf("pod %q: %w", pod.Name, err)
	}
	before, err := b.asWritten(raw)
	if err != nil {
		return "", nil, fmt.Errorf("pod %q: %w", pod.Name, err)
	}
	return string(before), h, nil
}
