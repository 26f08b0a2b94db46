package main

import (
	corev1 "k8s.io/api/core/v1"

	"outrigger.dev/outrigger/inject"
	"outrigger.dev/outrigger/internal/cluster"
	"outrigger.dev/outrigger/internal/dryrun"
	"outrigger.dev/outrigger/internal/webhook"
)

// signals tells of decisions: the dry run's page of the last ones, and the workload
// of those that surprise. events is nil where it is not told.
func signals(recent *dryrun.Recents, events *cluster.OwnerEvents) func(webhook.Signal) {
	return func(s webhook.Signal) {
		owner := "Pod"
		if s.Controller.Kind != "" {
			owner = s.Controller.Kind + " " + s.Controller.Name
		}
		recent.Note(dryrun.Recent{
			Namespace: s.Namespace, Owner: owner, Verdict: string(s.Verdict), Reason: string(s.Reason), DryRun: s.DryRun,
		})
		if events == nil || !s.Surprising || s.DryRun || s.Controller.UID == "" {
			return // nobody reads of a pod without a controller: its author has the answer
		}
		event := cluster.OwnerEvent{Reason: "NoSidecar", Message: "pods have no sidecar: " + s.Sentence, About: corev1.ObjectReference{
			APIVersion: s.Controller.APIVersion, Kind: s.Controller.Kind, Name: s.Controller.Name, UID: s.Controller.UID, Namespace: s.Namespace,
		}}
		if s.Verdict == inject.Deny {
			event.Reason, event.Message = "SidecarRefused", "pods are refused: "+s.Sentence
		}
		events.Leave(event)
	}
}
