package main

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"outrigger.dev/outrigger/inject"
	"outrigger.dev/outrigger/internal/cluster"
	"outrigger.dev/outrigger/internal/dryrun"
	"outrigger.dev/outrigger/internal/dryrun/page"
	"outrigger.dev/outrigger/internal/webhook"
)

// lives is what the dry run tells of the server beside the configuration.
type lives struct {
	client        cluster.Client
	configuration *cluster.Configuration
	tls           *servedCertificate
	recent        func() []dryrun.Recent
}

// newDryRun serves the dry run: to this machine alone without asking who calls, and
// anywhere else with TLS, to those with the right to it.
func newDryRun(o *options, known webhook.Cluster, l lives, log *slog.Logger) *http.Server {
	surroundings := cluster.Surroundings{Client: l.client}
	runner := &dryrun.Runner{
		Source: func() dryrun.Source {
			state := l.configuration.State()
			return dryrun.Source{
				Injector: state.Injector, Sources: state.Sources, Settings: l.configuration.Settings, From: state.From, Since: state.Since,
			}
		},
		Cluster: dryrun.Cluster{
			Namespace: liveNamespace(known.Namespaces), Webhooks: surroundings.Webhooks,
			LimitRanges: surroundings.LimitRanges, Quotas: surroundings.Quotas,
			Native: known.Native, ProxyConfigs: known.ProxyConfigs,
		},
		ChartWebhooks: dryrun.ChartWebhooks,
		Supported:     cluster.NativeFor,
	}
	local := isLoopback(o.dryRunAddress)
	handler := (&dryrun.Handler{Answer: runner.Answer, Live: l.live(runner), Page: page.Handler(), Log: log, Local: local}).New()
	if !local {
		handler = dryrun.Authorized(handler, access(l.client))
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	server := &http.Server{
		Handler: handler, Protocols: protocols, ReadHeaderTimeout: headerTime, ReadTimeout: requestTime,
		WriteTimeout: replyTime, IdleTimeout: idleTime, MaxHeaderBytes: headerBytes,
	}
	if !local {
		server.TLSConfig = &tls.Config{GetCertificate: l.tls.GetCertificate, MinVersion: tls.VersionTLS12}
	}
	return server
}

// listenDryRun serves until ctx ends. That it cannot, as where another program has the
// port, is no reason to stop the webhook.
func listenDryRun(ctx context.Context, address string, server *http.Server, log *slog.Logger) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		log.Error("no dry run", "err", err)
		<-ctx.Done()
		return nil
	}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if server.TLSConfig != nil {
		err = server.ServeTLS(listener, "", "")
	} else {
		err = server.Serve(listener)
	}
	if !errors.Is(err, http.ErrServerClosed) {
		log.Error("no dry run", "err", err)
		<-ctx.Done()
	}
	return nil
}

// isLoopback says whether only this machine reaches an address.
func isLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	ip := net.ParseIP(host)
	return err == nil && (host == "localhost" || ip != nil && ip.IsLoopback())
}

// liveNamespace asks the API server for a namespace.
func liveNamespace(namespaces webhook.Namespaces) func(context.Context, string) (inject.Namespace, error) {
	return func(ctx context.Context, name string) (inject.Namespace, error) {
		found, err := namespaces.Live(ctx, name)
		if apierrors.IsNotFound(err) {
			err = dryrun.ErrNoNamespace
		}
		return found, err
	}
}

// access asks the API server who calls, and whether that one may.
func access(client cluster.Client) dryrun.Access {
	asked := cluster.Access{Client: client}
	return func(ctx context.Context, token, verb, path string) (string, bool, error) {
		user, allowed, err := asked.Allowed(ctx, token, verb, path)
		if errors.Is(err, cluster.ErrUnknownToken) {
			err = dryrun.ErrUnknownToken
		}
		return user, allowed, err
	}
}

// live is the state of the server.
func (l lives) live(runner *dryrun.Runner) func(context.Context) (*dryrun.Live, error) {
	return func(ctx context.Context) (*dryrun.Live, error) {
		live := runner.Live(ctx)
		live.Version = buildVersion()
		if refused := l.configuration.State().Refused; refused != nil {
			live.Refused = refused.Error()
		}
		status := l.tls.Status()
		if status.Leaf != nil {
			live.Certificate.Expires = status.Leaf.NotAfter.UTC().Format(time.RFC3339)
			live.Certificate.Days = int(time.Until(status.Leaf.NotAfter).Hours() / 24)
		}
		if status.Fault != nil {
			live.Certificate.Fault = status.Fault.Error()
		}
		if l.recent != nil {
			live.Recent = l.recent()
		}
		return live, nil
	}
}
