package bench

import (
	"context"
	"io"
	"log/slog"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"

	"outrigger.dev/outrigger/inject"
	"outrigger.dev/outrigger/internal/webhook"
)

// A Setup is what a server knows when it is asked.
type Setup struct {
	Injector *inject.Injector
	// Namespace is the one that all pods are in. Its name does not matter.
	Namespace inject.Namespace
	// Native says whether every node runs native sidecars.
	Native bool
	// ProxyConfigs are those of every namespace.
	ProxyConfigs []inject.ProxyConfig
}

// Server is the server's handler, with the chain of reviewers that the server
// puts behind it, and a cluster that answers from memory.
func (s Setup) Server() http.Handler {
	metrics := webhook.NewMetrics(prometheus.NewRegistry())
	reviewer := webhook.Measured(webhook.Bounded(s.reviews(), webhook.DefaultPlaces), metrics)
	return metrics.Replies(handler(reviewer))
}

// Floor is the server's handler with nothing behind it but an answer that is
// ready: the one that the server gives to the first pod of a recording.
func (s Setup) Floor(r Recording) http.Handler {
	var ready webhook.Answer
	var fault error
	ask := reviewerFunc(func(ctx context.Context, review webhook.Review) (webhook.Answer, error) {
		ready, fault = s.reviews().Review(ctx, review)
		return ready, fault
	})
	NewCaller(handler(ask), r).Call(0, false)
	return handler(reviewerFunc(func(context.Context, webhook.Review) (webhook.Answer, error) { return ready, fault }))
}

func (s Setup) reviews() webhook.Reviewer {
	return webhook.NewReviews(func() webhook.Injector { return s.Injector }, webhook.Cluster{
		Namespaces:   oneNamespace(s.Namespace),
		Native:       inject.Native{Supported: s.Native, Why: "the same for every node"}.Everywhere,
		ProxyConfigs: func(string) []inject.ProxyConfig { return s.ProxyConfigs },
	})
}

// handler logs as the server does, to nobody.
func handler(reviewer webhook.Reviewer) http.Handler {
	return &webhook.Handler{Reviewer: reviewer, Revision: "default", Log: slog.New(slog.NewJSONHandler(io.Discard, nil))}
}

// reviewerFunc is a function that is a webhook.Reviewer.
type reviewerFunc func(context.Context, webhook.Review) (webhook.Answer, error)

// Review is the function.
func (f reviewerFunc) Review(ctx context.Context, review webhook.Review) (webhook.Answer, error) {
	return f(ctx, review)
}

// oneNamespace has the same facts for every namespace, in its cache and live.
type oneNamespace inject.Namespace

// Cached is for webhook.Namespaces.
func (n oneNamespace) Cached(string) (inject.Namespace, bool) { return inject.Namespace(n), true }

// Live is for webhook.Namespaces.
func (n oneNamespace) Live(context.Context, string) (inject.Namespace, error) {
	return inject.Namespace(n), nil
}
