package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"outrigger.dev/outrigger/test/standin/passthrough"
	"outrigger.dev/outrigger/test/standin/redirect"
)

// An Agent is a running istio-proxy container. Start makes one.
type Agent struct {
	config   Config
	log      *slog.Logger
	registry *prometheus.Registry
	proxy    *passthrough.Proxy
	servers  map[string]*http.Server
	addrs    map[string]net.Addr
	failed   chan error
	quit     context.CancelFunc
	quitting context.Context
	drained  atomic.Bool
	draining prometheus.Gauge
}

// Start opens the ports of the configuration and serves them. Once it returns the
// agent is ready.
func Start(config Config, log *slog.Logger) (*Agent, error) {
	a := &Agent{config: config, log: log, registry: prometheus.NewRegistry(),
		servers: map[string]*http.Server{}, addrs: map[string]net.Addr{}, failed: make(chan error, 3)}
	a.quitting, a.quit = context.WithCancel(context.Background())
	a.draining = prometheus.NewGauge(prometheus.GaugeOpts{Name: "standin_draining", Help: "1 once a drain was asked for."})
	a.registry.MustRegister(a.draining)
	if err := a.open(); err != nil {
		a.close()
		return nil, err
	}
	log.Info("agent ready", "capture", config.Capture, "envoy", config.Envoy, "probes", len(config.Probers), "scrapes", len(config.Scrape))
	return a, nil
}

func (a *Agent) open() error {
	meter := passthrough.NewMeter(a.registry)
	if a.config.Capture {
		proxy, err := passthrough.Listen(redirect.Origin, meter, a.log,
			passthrough.Direction{Name: "outbound", Port: a.config.Ports.Outbound, Dial: passthrough.Outbound},
			passthrough.Direction{Name: "inbound", Port: a.config.Ports.Inbound, Dial: toApplication})
		if err != nil {
			return err
		}
		a.proxy = proxy
	}
	if !a.config.Ports.NoStatus {
		if err := a.serve("status", a.config.Ports.Status, a.status()); err != nil {
			return err
		}
	}
	if !a.config.Envoy {
		return nil
	}
	stats := http.NewServeMux()
	stats.Handle("GET /stats/prometheus", promhttp.HandlerFor(a.registry, promhttp.HandlerOpts{}))
	if err := a.serve("stats", a.config.Ports.Stats, stats); err != nil {
		return err
	}
	ready := http.NewServeMux()
	ready.HandleFunc("GET /healthz/ready", answerReady)
	return a.serve("ready", a.config.Ports.Ready, ready)
}

var toApplication = passthrough.From(redirect.Inbound4, redirect.Inbound6)

// Addr is where the status, ready or stats port is.
func (a *Agent) Addr(port string) net.Addr { return a.addrs[port] }

func (a *Agent) serve(name string, port uint16, handler http.Handler) error {
	listener, err := net.Listen("tcp", ":"+strconv.Itoa(int(port)))
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	server := &http.Server{Handler: handler}
	a.servers[name], a.addrs[name] = server, listener.Addr()
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			a.failed <- fmt.Errorf("%s: %w", name, err)
		}
	}()
	return nil
}

// status is what the status port serves.
func (a *Agent) status() http.Handler {
	failures := prometheus.NewCounter(prometheus.CounterOpts{
		Name: "standin_scrape_failures_total", Help: "Scrapes of the application that failed."})
	a.registry.MustRegister(failures)
	probes := probing{address: a.config.Address, probers: a.config.Probers, dial: toApplication, log: a.log}
	mux := http.NewServeMux()
	mux.Handle("/app-health/", probes)
	mux.Handle("/app-lifecycle/", probes)
	mux.Handle("GET /stats/prometheus", merged{own: a.registry, targets: a.config.Scrape, failures: failures, log: a.log})
	mux.HandleFunc("GET /healthz/ready", answerReady)
	mux.Handle("POST /quitquitquit", fromLoopback(a.quit))
	mux.Handle("POST /drain", fromLoopback(a.drain))
	return mux
}

// answerReady needs no check: who answers has opened all its ports.
func answerReady(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }

// fromLoopback does something for a process of the pod, and for nobody else.
func fromLoopback(do func()) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.RemoteAddr)
		if err != nil || !net.ParseIP(host).IsLoopback() {
			http.Error(w, fmt.Sprintf("%q: only for requests from within the pod", r.URL.Path), http.StatusForbidden)
			return
		}
		fmt.Fprint(w, "OK")
		http.NewResponseController(w).Flush()
		do()
	})
}

// drain notes that a drain was asked for. Connections are passed on as before:
// the application is still there, and may have much to say.
func (a *Agent) drain() {
	a.drained.Store(true)
	a.draining.Set(1)
	a.log.Info("drain asked for")
}

// Run returns when the agent has ended: after stop is done and the drain, when it
// was asked to quit, or when it cannot serve.
func (a *Agent) Run(stop context.Context) error {
	defer a.close()
	select {
	case err := <-a.failed:
		return err
	case <-a.quitting.Done():
		a.log.Info("quit asked for")
		return nil
	case <-stop.Done():
	}
	a.log.Info("told to stop", "drained", a.drained.Load())
	asked := a.drained.Load()
	a.drain()
	a.config.Drain.wait(a.quitting, asked, a.idle)
	return nil
}

func (a *Agent) idle(ctx context.Context) error {
	if a.proxy == nil {
		return nil
	}
	return a.proxy.Idle(ctx)
}

func (a *Agent) close() {
	broken := 0
	if a.proxy != nil {
		broken = a.proxy.Close()
	}
	for _, s := range a.servers {
		s.Close()
	}
	a.log.Info("agent ended", "broken", broken)
}
