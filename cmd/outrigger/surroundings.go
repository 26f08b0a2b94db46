package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"outrigger.dev/outrigger/internal/analyze"
	"outrigger.dev/outrigger/internal/dryrun"
)

// surroundings is what has a say in a namespace's pods, as [lookout.scene] has it, without
// what else is there: a pod is judged in it as "outrigger status" judges it.
func (b *basis) surroundings(ctx context.Context, namespace string) (*analyze.Scene, error) {
	scene := &analyze.Scene{Live: true, Unseen: b.unseen, Native: b.runner.Cluster.Native, ProxyConfigs: b.runner.Cluster.ProxyConfigs}
	b.lookout.may(ctx, scene, "nodes", func(o metav1.ListOptions) error { _, err := b.client.CoreV1().Nodes().List(ctx, o); return err })
	if err := b.readNamespace(ctx, scene, namespace); err != nil {
		return nil, fmt.Errorf("namespace %q: %w", namespace, err)
	}
	if err := b.readWebhooks(ctx, scene); err != nil {
		return nil, fmt.Errorf("mutatingwebhookconfigurations: %w", err)
	}
	return scene, b.readInjectors(ctx, scene)
}

// readNamespace reads a namespace's labels. Of one that may not be read they are not
// known: it counts as enabled.
func (b *basis) readNamespace(ctx context.Context, scene *analyze.Scene, name string) error {
	ns, err := b.client.CoreV1().Namespaces().Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsForbidden(err) {
		scene.Unseen = append(scene.Unseen, analyze.Unseen{Resource: "namespaces", Err: err})
		return nil
	}
	if err != nil {
		return err
	}
	ns.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Namespace"))
	text, err := json.Marshal(ns)
	if err != nil {
		return err
	}
	o, err := analyze.ReadObject(text)
	scene.Objects = append(scene.Objects, o)
	return err
}

// readWebhooks reads the webhook configurations; the chart's stand in for those that may
// not be read.
func (b *basis) readWebhooks(ctx context.Context, scene *analyze.Scene) error {
	revision := b.injector.Revision()
	list, err := b.runner.Cluster.Webhooks(ctx)
	scene.Webhooks = dryrun.Configurations{From: "live", Revision: revision, List: list}
	if !apierrors.IsForbidden(err) {
		return err
	}
	chart, err := dryrun.ChartWebhooks(revision)
	scene.Webhooks.From, scene.Webhooks.List = "chart", []admissionv1.MutatingWebhookConfiguration{chart}
	return err
}

// readInjectors adds the injectors of all revisions that are installed: of the one that is
// asked about there is one already.
func (b *basis) readInjectors(ctx context.Context, scene *analyze.Scene) error {
	revisions := scene.Revisions()
	if !slices.Contains(revisions, b.injector.Revision()) {
		revisions = append(revisions, b.injector.Revision())
	}
	for _, revision := range revisions {
		if revision == b.injector.Revision() {
			scene.Injectors = append(scene.Injectors, b.injector)
			continue
		}
		if !b.lookout.addInjector(ctx, scene, revision) || scene.ProxyConfigs != nil {
			continue
		}
		if err := b.lookout.addProxyConfigs(ctx, scene, revision); err != nil {
			return err
		}
	}
	return nil
}
