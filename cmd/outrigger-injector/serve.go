package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"outrigger.dev/outrigger/certs"
	"outrigger.dev/outrigger/inject"
	"outrigger.dev/outrigger/internal/canary"
	"outrigger.dev/outrigger/internal/cluster"
	"outrigger.dev/outrigger/internal/dryrun"
	"outrigger.dev/outrigger/internal/webhook"
)

// serve runs the server until ctx ends. Start and stop have one order, here:
//
//	start   health and metrics, so that probes have an answer
//	        what follows the cluster: namespaces, nodes, ProxyConfigs, configuration, certificate
//	        the webhook
//	ready   when the webhook answers with a certificate that the API server trusts,
//	        caches are synced and a configuration is in force
//	stop    not ready, so that Services stop sending callers here
//	        serve on for the shutdown delay, closing connections as they are used
//	        close the webhook, and answer what is under way
//	        the rest
//
// A part that fails stops the server, without the delay.
func serve(ctx context.Context, o *options, log *slog.Logger) error {
	log.Info("starting", "version", buildVersion(), "revision", o.revision, "namespace", o.namespace)
	p, err := build(o, log)
	if err != nil {
		return err
	}
	rest, stopRest := context.WithCancel(context.WithoutCancel(ctx))
	defer stopRest()
	serving, stopServing := context.WithCancel(rest)
	defer stopServing()
	parts := newParts()

	parts.start(rest, "health", func(ctx context.Context) error { return listenPlain(ctx, o.healthAddress, p.health) })
	parts.start(rest, "metrics", func(ctx context.Context) error { return listenPlain(ctx, o.metricsAddress, p.metrics) })
	if p.dryRun != nil {
		parts.start(rest, "dryrun", func(ctx context.Context) error { return listenDryRun(ctx, o.dryRunAddress, p.dryRun, log) })
	}
	for name, follow := range p.following {
		parts.start(rest, name, follow)
	}
	webhookStopped := parts.start(serving, "webhook", p.webhook)

	select {
	case <-ctx.Done():
		p.readiness.drain()
		log.Info("stopping", "delay", o.shutdownDelay)
		select {
		case <-time.After(o.shutdownDelay):
		case err = <-parts.failed:
		}
	case err = <-parts.failed:
		p.readiness.drain()
	}
	stopServing()
	<-webhookStopped
	stopRest()
	parts.all.Wait()
	return err
}

// program is all that serve starts and stops.
type program struct {
	health, metrics http.Handler
	// dryRun is nil where there is none.
	dryRun    *http.Server
	readiness *readiness
	webhook   func(context.Context) error
	// following are the parts that follow the cluster, by name.
	following map[string]func(context.Context) error
}

// build wires the program without starting anything.
func build(o *options, log *slog.Logger) (*program, error) {
	config, err := cluster.Connect(o.kubeconfig, "outrigger-injector/"+buildVersion())
	if err != nil {
		return nil, err
	}
	client, err := cluster.NewClient(config)
	if err != nil {
		return nil, err
	}
	known, caches, err := newKnown(o, config, client, log)
	if err != nil {
		return nil, err
	}
	registry := newRegistry()
	metrics := webhook.NewMetrics(registry)
	configuration := newConfiguration(o, client, metrics, log)
	tls, err := newCertificate(o, config, client, log)
	if err != nil {
		return nil, err
	}
	registry.MustRegister(certs.Metrics{Of: tls})

	p := &program{following: map[string]func(context.Context) error{
		"configuration": quiet(configuration.Run),
		"certificate":   tls.run,
	}}
	synced := map[string]func() bool{}
	for name, c := range caches {
		p.following[name], synced[name] = quiet(c.Run), c.Synced
	}
	p.readiness = newReadiness(tls, synced, configuration)
	recent := &dryrun.Recents{}
	var events *cluster.OwnerEvents
	if o.events {
		events = cluster.NewOwnerEvents(client.CoreV1(), log)
		p.following["events"] = quiet(events.Run)
	}
	decided := webhook.NewReviews(inForce(configuration), known)
	decided.Timer = metrics.Timer
	kept := connections{age: o.connectionAge, draining: p.readiness.draining.Load}
	server := newWebhookServer(p.admission(decided, signals(recent, events), o, metrics, log), tls)
	server.ConnContext = kept.context
	if o.canary {
		server.Handler = withCanary(server.Handler, o.revision, log)
		p.following["canary"] = quiet(canary.New(asking(o, client).Call, registry, log).Run)
	}
	if o.detector {
		if p.following["detector"], err = newDetector(o, client, known.Namespaces, configuration, registry, log); err != nil {
			return nil, err
		}
	}
	server.Handler = kept.handler(server.Handler)
	if o.dryRunAddress != "" {
		p.dryRun = newDryRun(o, known, lives{client: client, configuration: configuration, tls: tls, recent: recent.List}, log)
	}
	p.webhook = func(ctx context.Context) error { return listenWebhook(ctx, o.webhookAddress, server) }
	p.readiness.checks["webhook"] = checkListening(func() error { return callWebhook(o.webhookAddress) }, tls)
	p.health, p.metrics = healthMux(p.readiness), promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
	return p, nil
}

// admission answers reviews, and tells of them by signals, metrics and, where they are
// wanted, spans.
func (p *program) admission(decided *webhook.Reviews, tell func(webhook.Signal), o *options, metrics *webhook.Metrics, log *slog.Logger) http.Handler {
	reviews := webhook.Signalled(decided, tell)
	provider := newTraces(context.Background(), o.revision, log)
	if provider == nil {
		return newAdmission(reviews, webhook.DefaultPlaces, o.revision, metrics, log)
	}
	p.following["spans"] = flushed(provider)
	traces := webhook.NewTraces(provider)
	decided.Timer = traces.Timer(decided.Timer)
	return traces.Requests(newAdmission(traces.Reviews(reviews), webhook.DefaultPlaces, o.revision, metrics, log))
}

// asking is the canary's dry run.
func asking(o *options, client cluster.Client) *cluster.Canary {
	return &cluster.Canary{
		Pods: client.CoreV1().Pods(o.namespace), Key: webhook.CanaryKey, Revision: o.revision,
		Asked: webhook.CanaryAsked, Answered: webhook.CanaryAnswered,
	}
}

// withCanary also answers the canary's own entry, on /canary.
func withCanary(next http.Handler, revision string, log *slog.Logger) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/canary", &webhook.Handler{Reviewer: webhook.Canary{}, Revision: revision, Log: log})
	mux.Handle("/", next)
	return mux
}

// newReadiness has all checks but that of the webhook, which is not there yet.
func newReadiness(tls *servedCertificate, synced map[string]func() bool, configuration *cluster.Configuration) *readiness {
	return &readiness{version: buildVersion(), checks: map[string]func() report{
		"certificate":   checkCertificate(tls, tls.waits),
		"caBundle":      checkTrust(tls),
		"caches":        checkCaches(synced),
		"configuration": checkConfiguration(configuration.State),
		"templates":     checkTemplates(configuration.State),
	}}
}

// newRegistry has what is measured of every program.
func newRegistry() *prometheus.Registry {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return registry
}

// newAdmission answers reviews, so many at a time.
func newAdmission(reviews webhook.Reviewer, places int, revision string, metrics *webhook.Metrics, log *slog.Logger) http.Handler {
	return metrics.Replies(&webhook.Handler{
		Reviewer: webhook.Measured(webhook.Bounded(reviews, places), metrics),
		Revision: revision,
		Log:      log,
		Shed:     metrics.Shed,
	})
}

// newConfiguration follows what the flags say, and keeps what was good.
func newConfiguration(o *options, client cluster.Client, metrics *webhook.Metrics, log *slog.Logger) *cluster.Configuration {
	c := &cluster.Configuration{
		Source:   newSource(o, client),
		Settings: inject.Settings{Revision: o.revision, Env: o.env()},
		Log:      log,
		Notice: func(s cluster.State) {
			hash := ""
			if s.Injector != nil {
				hash = s.Injector.Hash()
			}
			metrics.Configured(hash, o.revision, s.Refused != nil)
		},
	}
	if o.lastGood {
		c.Keep = &cluster.LastGood{
			ConfigMaps: client.CoreV1().ConfigMaps(o.namespace), Namespace: o.namespace, Name: o.revised("outrigger-last-good"),
		}
	}
	if !o.events {
		c.Source = untold{c.Source}
	}
	return c
}

// An untold source leaves no events.
type untold struct{ cluster.Source }

func (untold) Refused(context.Context, error) error { return nil }

// newSource is where the configuration comes from, as the flags say.
func newSource(o *options, client cluster.Client) cluster.Source {
	switch {
	case o.istio.namespace != "":
		return &cluster.Istio{Client: client.CoreV1(), Namespace: o.istio.namespace, Revision: o.istio.revision}
	case o.configDir != "":
		return &cluster.Files{Dir: o.configDir}
	}
	return &cluster.ConfigMap{Client: client.CoreV1(), Namespace: o.namespace, Name: o.configMap}
}

// inForce is the configuration in force as the webhook sees it. What it gives is
// nil where there is none, and not a nil Injector in an interface.
func inForce(c *cluster.Configuration) func() webhook.Injector {
	return func() webhook.Injector {
		if in := c.State().Injector; in != nil {
			return in
		}
		return nil
	}
}

// healthMux has /healthz, which is well as long as it answers, and /readyz.
func healthMux(r *readiness) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.Handle("/readyz", r)
	return mux
}

// quiet is for a part that ends with its context only.
func quiet(run func(context.Context)) func(context.Context) error {
	return func(ctx context.Context) error {
		run(ctx)
		return nil
	}
}

// parts run beside each other.
type parts struct {
	all    sync.WaitGroup
	failed chan error
}

func newParts() *parts { return &parts{failed: make(chan error, 1)} }

// start runs a part until ctx ends; the channel that it returns is closed then.
// The first part that fails is told in failed.
func (p *parts) start(ctx context.Context, name string, run func(context.Context) error) <-chan struct{} {
	done := make(chan struct{})
	p.all.Go(func() {
		defer close(done)
		if err := run(ctx); err != nil {
			select {
			case p.failed <- fmt.Errorf("%s: %w", name, err):
			default:
			}
		}
	})
	return done
}
