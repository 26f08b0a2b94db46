package main

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"slices"
	"time"

	certmanagerclient "github.com/cert-manager/cert-manager/pkg/client/clientset/versioned/typed/certmanager/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"

	"outrigger.dev/outrigger/certs"
	"outrigger.dev/outrigger/internal/cluster"
)

// A certificate is what serves TLS: by an own authority, or what others issue.
type certificate interface {
	GetCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error)
	// Ready is nil where callers accept what is served.
	Ready(now time.Time) error
	Status() certs.Status
}

// A served certificate is one with what keeps it in order.
type servedCertificate struct {
	certificate
	run func(context.Context) error
	// waits is what whoever issues it waits for, "" for nothing; nil where nobody says.
	waits func() string
}

// newCertificate serves as the flags say:
//
//	--certificates   served                               CA bundle in the webhook configurations
//	selfSigned       a leaf of our own, in memory         written
//	certManager      what cert-manager puts in a Secret   watched; cert-manager writes it
//	files            the files in a folder                watched, where we may
func newCertificate(o *options, config *rest.Config, client cluster.Client, log *slog.Logger) (*servedCertificate, error) {
	trust := cluster.WebhookTrust{
		Configurations: client.AdmissionregistrationV1().MutatingWebhookConfigurations(), Names: o.webhookConfigurations,
	}
	switch o.certificates {
	case fromFiles:
		files := &certs.Files{Given: certs.Given{Callers: &trust, Log: log}, Dir: o.certDir}
		return &servedCertificate{certificate: files, run: notified(files, log)}, nil
	case certManager:
		inJSON := rest.CopyConfig(config) // the API server has custom resources in nothing else
		inJSON.ContentType, inJSON.AcceptContentTypes = runtime.ContentTypeJSON, ""
		resources, err := certmanagerclient.NewForConfig(inJSON)
		if err != nil {
			return nil, err
		}
		issued := &cluster.Certificate{Certificates: resources.Certificates(o.namespace), Namespace: o.namespace, Name: o.certificate}
		secret := &cluster.CertificateSecret{
			Given:   certs.Given{Callers: &trust, Strict: true, Log: log},
			Secrets: client.CoreV1().Secrets(o.namespace), Namespace: o.namespace, Name: o.certificateSecret,
		}
		return &servedCertificate{certificate: secret, run: beside(issued.Run, secret.Run), waits: issued.Waits}, nil
	}
	keeper := newKeeper(o, client, trust, log)
	return &servedCertificate{certificate: keeper, run: keeper.Run}, nil
}

// newKeeper has an authority of our own.
func newKeeper(o *options, client cluster.Client, trust cluster.WebhookTrust, log *slog.Logger) *certs.Keeper {
	secret := &cluster.AuthoritySecret{
		Secrets: client.CoreV1().Secrets(o.namespace), Namespace: o.namespace, Name: o.authoritySecret,
	}
	return &certs.Keeper{
		Store:     secret,
		Publisher: &cluster.WebhookBundle{WebhookTrust: trust},
		Names:     slices.Concat(certs.ServiceNames(o.service, o.namespace), o.dnsNames),
		LeafLife:  o.leafLife,
		Log:       log,
		Wrong: func(ctx context.Context, err error) {
			if !o.events || !errors.Is(err, certs.ErrNotOurs) {
				return
			}
			if err := secret.NotOurs(ctx, client.CoreV1(), err); err != nil {
				log.Warn("event not left", "err", err)
			}
		},
	}
}

// notified runs files that are read as soon as they change, where the system tells.
func notified(files *certs.Files, log *slog.Logger) func(context.Context) error {
	return func(ctx context.Context) error {
		changes, err := certs.Notify(ctx, files.Dir)
		if err != nil {
			log.Warn("changes of certificate files are not told, and looked for instead", "err", err)
		}
		files.Changes = changes
		return files.Run(ctx)
	}
}

// beside runs first while then runs.
func beside(first func(context.Context), then func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		done := make(chan struct{})
		go func() {
			defer close(done)
			first(ctx)
		}()
		err := then(ctx)
		<-done
		return err
	}
}
