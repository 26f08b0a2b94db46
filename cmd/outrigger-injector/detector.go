package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/uuid"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"

	"outrigger.dev/outrigger/internal/cluster"
	"outrigger.dev/outrigger/internal/missing"
	"outrigger.dev/outrigger/internal/webhook"
)

// How long a replica that has gone silent keeps the lease of the detector, how long it
// tries to renew it, and how often the others ask for it. Nobody is in a hurry.
const (
	leaseLife  = 60 * time.Second
	leaseRenew = 40 * time.Second
	leaseRetry = 10 * time.Second
)

// newDetector looks for pods whose sidecar is missing, in one of the replicas at a time.
func newDetector(
	o *options, client cluster.Client, namespaces webhook.Namespaces, configuration *cluster.Configuration,
	registry prometheus.Registerer, log *slog.Logger,
) (func(context.Context) error, error) {
	host, err := os.Hostname()
	if err != nil {
		return nil, fmt.Errorf("name of this machine: %w", err)
	}
	detector := &missing.Detector{
		Pods:      client.CoreV1().Pods(metav1.NamespaceAll),
		Namespace: namespaces.Cached,
		Configurations: func(ctx context.Context) ([]admissionv1.MutatingWebhookConfiguration, error) {
			return cluster.WebhookConfigurations(ctx, client.AdmissionregistrationV1().MutatingWebhookConfigurations(), o.webhookConfigurations)
		},
		Decider: func() missing.Decider {
			if in := configuration.State().Injector; in != nil {
				return in
			}
			return nil
		},
		Every:   o.detectorInterval,
		Metrics: missing.NewMetrics(registry),
		Log:     log,
	}
	if o.events {
		detector.Tell = func(ctx context.Context, about corev1.ObjectReference, message string) error {
			return cluster.LeaveMissing(ctx, client.CoreV1(), about, message)
		}
	}
	lock := &resourcelock.LeaseLock{
		LeaseMeta:  metav1.ObjectMeta{Namespace: o.namespace, Name: o.detectorLease},
		Client:     client.CoordinationV1(),
		LockConfig: resourcelock.ResourceLockConfig{Identity: host + "_" + string(uuid.NewUUID())},
	}
	return oneAtATime(lock, detector.Run, log)
}

// oneAtATime runs what may run in one replica only, while that has the lease.
func oneAtATime(lock resourcelock.Interface, run func(context.Context), log *slog.Logger) (func(context.Context) error, error) {
	var one sync.Mutex // who has lost the lease and gets it again may not have ended yet
	elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Lock: lock, LeaseDuration: leaseLife, RenewDeadline: leaseRenew, RetryPeriod: leaseRetry, ReleaseOnCancel: true,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(ctx context.Context) {
				one.Lock()
				defer one.Unlock()
				log.Info("this replica looks for missing sidecars")
				run(ctx)
			},
			OnStoppedLeading: func() {},
		},
	})
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) error {
		for ctx.Err() == nil {
			elector.Run(ctx)
		}
		return nil
	}, nil
}
